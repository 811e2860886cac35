using VaeCluster.Models.Blocks;
using VaeCluster.Models.Tiles;
using static TorchSharp.torch;

namespace VaeCluster.Models.StableDiffusion;

/// <summary>Residual, attention, residual: the only place where distant parts of an image meet.</summary>
internal sealed class MidBlock : Block
{
    private readonly Block _first, _attention, _last;

    public MidBlock(long width, AttentionBlock attention, BlockStyle style) : base("MidBlock")
    {
        _first = new ResidualBlock(width, width, style);
        _attention = attention;
        _last = new ResidualBlock(width, width, style);
        Add("attentions", new Chain([_attention]));
        Add("resnets", new Chain([_first, _last]));
    }

    public override void Trace(ShapeTrace trace)
    {
        _first.Trace(trace);
        _attention.Trace(trace);
        _last.Trace(trace);
    }

    public override StoredImage ApplyTiled(StoredImage x, TiledPass pass) => pass.Through(x, [_first, _attention, _last]);

    protected override Tensor Apply(Tensor x) => _last.forward(_attention.forward(_first.forward(x)));
}
