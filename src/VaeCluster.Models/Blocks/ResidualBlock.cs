using TorchSharp.Modules;
using VaeCluster.Models.Tiles;
using VaeCluster.Torch;
using static TorchSharp.torch;

namespace VaeCluster.Models.Blocks;

/// <summary>How the blocks of one model normalise, and whether they scale their skips.</summary>
internal readonly record struct BlockStyle(long Groups, double Eps, bool SkipScale = false)
{
    public static BlockStyle Of(ModelOptions options) => new(options.Groups, options.Eps, options.SkipScale);

    public GroupNormSilu Norm(long channels, bool silu = true) => new(Groups, channels, Eps, silu);

    /// <summary>The learnable factor of a skip, 1 at first; null when skips are left alone.</summary>
    public Parameter? NewSkipScale() => SkipScale ? new Parameter(ones(1)) : null;
}

/// <summary>
/// Norm, SiLU, convolution, twice, added to the input (through a 1x1 convolution where the width changes). A doubling one takes
/// its input with each pixel four times: what works pixel by pixel comes first, and sees each of them once.
/// </summary>
internal sealed class ResidualBlock : Block
{
    private readonly GroupNormSilu _norm1, _norm2;
    private readonly Conv _conv1, _conv2;
    private readonly Conv? _shortcut;
    private readonly Parameter? _skipScale;
    private readonly long _width;
    private readonly bool _doubling;

    public ResidualBlock(long channels, long width, BlockStyle style, bool doubling = false) : base("ResidualBlock")
    {
        (_width, _doubling) = (width, doubling);
        _norm1 = Add("norm1", style.Norm(channels));
        _conv1 = Add("conv1", new Conv(channels, width, kernel: 3, padding: 1));
        _norm2 = Add("norm2", style.Norm(width));
        _conv2 = Add("conv2", new Conv(width, width, kernel: 3, padding: 1));
        if (channels != width) _shortcut = Add("conv_shortcut", new Conv(channels, width, kernel: 1));
        _skipScale = style.NewSkipScale();
        if (_skipScale is not null) register_parameter("skip_scale", _skipScale);
    }

    public override void Trace(ShapeTrace trace)
    {
        if (_doubling) trace.Upsample();
        if (_shortcut is not null) trace.Beside(skip => skip.Conv(_width, kernel: 1));
        trace.Conv(_width, kernel: 3, padding: 2);
        trace.Conv(_width, kernel: 3, padding: 2);
    }

    public override StoredImage ApplyTiled(StoredImage x, TiledPass pass)
    {
        using var h = pass.Convolve(x, _norm1, _conv1, _width, doubling: _doubling);
        return pass.Convolve(h, _norm2, _conv2, _width, finish: (rows, first, end) =>
            rows + Skip(_doubling ? x.Rows(first / 2, (end + 1) / 2) : x.Rows(first, end)));
    }

    protected override Tensor Apply(Tensor x)
    {
        var h = _norm1.forward(x);
        h = _doubling ? _conv1.ForwardDoubled(h) : _conv1.forward(h);
        h = _conv2.forward(_norm2.forward(h));
        return h + Skip(x);
    }

    private Tensor Skip(Tensor x)
    {
        var skip = _shortcut is null ? x : _shortcut.forward(x);
        if (_doubling) skip = Doubling.Nearest(skip);
        return _skipScale is null ? skip : skip * _skipScale;
    }
}
