using TorchSharp.Modules;
using VaeCluster.Models.Tiles;
using VaeCluster.Torch;
using static TorchSharp.torch;

namespace VaeCluster.Models.Blocks;

/// <summary>How the query, key and value projections stand in state_dict.</summary>
internal enum Projections
{
    /// <summary>to_q, to_k, to_v, as in AutoencoderKL.</summary>
    Separate,

    /// <summary>One matrix to_qkv.</summary>
    Fused,
}

/// <summary>Every position of the image attends to every other one; added to the input.</summary>
internal sealed class AttentionBlock : Block
{
    private readonly GroupNormSilu _norm;
    private readonly Linear[] _projections;
    private readonly Linear _out;
    private readonly Parameter? _skipScale;
    private readonly long _heads;
    private readonly double _scale;

    public AttentionBlock(long channels, long heads, Projections projections, BlockStyle style) : base("AttentionBlock")
    {
        _heads = heads;
        _scale = 1 / Math.Sqrt((double)channels / heads);
        _norm = Add("group_norm", style.Norm(channels, silu: false));
        _projections = projections == Projections.Fused
            ? [Add("to_qkv", nn.Linear(channels, 3 * channels))]
            : [Add("to_q", Square()), Add("to_k", Square()), Add("to_v", Square())];
        _out = Square();
        // A list of one: diffusers has a dropout after it.
        Add("to_out", nn.ModuleList<nn.Module<Tensor, Tensor>>(_out));
        _skipScale = style.NewSkipScale();
        if (_skipScale is not null) register_parameter("skip_scale", _skipScale);

        Linear Square() => nn.Linear(channels, channels);
    }

    public override void Trace(ShapeTrace trace) => trace.Attention();

    /// <summary>Keys and values of the whole image; queries, and the weights that they give to all positions, some at a time.</summary>
    public override StoredImage ApplyTiled(StoredImage x, TiledPass pass)
    {
        using var layer = NewDisposeScope();
        var (channels, positions) = (x.Shape.Channels, x.Pixels);
        var tokens = pass.Normaliser(_norm, x)(x.Rows(0, x.Shape.Height)).flatten(2).transpose(1, 2).contiguous(); // [1, HW, C]
        var (k, v) = (Projected(tokens, 1), Projected(tokens, 2)); // [1, heads, HW, C / heads]
        var result = pass.Empty(x.Shape);
        var most = pass.QueriesOf(positions, _heads);
        for (var first = 0L; first < positions; first += most)
        {
            using var scope = NewDisposeScope();
            var count = Math.Min(most, positions - first);
            var q = Projected(tokens.narrow(1, first, count), 0);
            var mixed = (q * _scale).matmul(k.transpose(-2, -1)).softmax(-1).matmul(v).transpose(1, 2).reshape(count, channels);
            var skip = x.Take(first, count); // [count, C]
            result.AppendPixels((_skipScale is null ? skip : skip * _skipScale) + _out.forward(mixed));
        }
        return result;

        Tensor Projected(Tensor t, int which)
        {
            using var scope = NewDisposeScope();
            var projected = _projections.Length == 1 ? _projections[0].forward(t).narrow(-1, which * channels, channels) : _projections[which].forward(t);
            return projected.reshape(1, t.shape[1], _heads, channels / _heads).transpose(1, 2).contiguous().MoveToOuterDisposeScope();
        }
    }

    protected override Tensor Apply(Tensor x)
    {
        long batch = x.shape[0], channels = x.shape[1], positions = x.shape[2] * x.shape[3];
        var tokens = _norm.forward(x).flatten(2).transpose(1, 2); // [B, HW, C]
        var projected = _projections.Length == 1
            ? _projections[0].forward(tokens).chunk(3, dim: -1)
            : [.. _projections.Select(projection => projection.forward(tokens))];
        var (q, k, v) = (Heads(projected[0]), Heads(projected[1]), Heads(projected[2])); // [B, heads, HW, C / heads]
        var weights = (q * _scale).matmul(k.transpose(-2, -1)).softmax(-1); // [B, heads, HW, HW]
        var mixed = weights.matmul(v).transpose(1, 2).reshape(batch, positions, channels); // [B, HW, C]
        var h = _out.forward(mixed).transpose(1, 2).reshape(x.shape); // [B, C, H, W]
        // In this order: a sum takes the layout of its first operand, and h has its channels last, which group norm is slow on.
        return (_skipScale is null ? x : x * _skipScale) + h;

        Tensor Heads(Tensor t) => t.view(batch, positions, _heads, channels / _heads).transpose(1, 2);
    }
}
