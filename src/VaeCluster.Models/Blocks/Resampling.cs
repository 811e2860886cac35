using VaeCluster.Models.Tiles;
using VaeCluster.Torch;
using static TorchSharp.torch;

namespace VaeCluster.Models.Blocks;

/// <summary>Which sides a halving convolution pads; a wrong side shifts the whole image by half a pixel.</summary>
internal enum DownPadding
{
    /// <summary>One pixel all around.</summary>
    Around,

    /// <summary>One pixel at the right and at the bottom, as in AutoencoderKL.</summary>
    RightAndBottom,
}

/// <summary>Half the height and width by a 3x3 convolution of stride 2.</summary>
internal sealed class Halving : Block
{
    private readonly Conv _conv;
    private readonly long _width;
    private readonly DownPadding _padding;

    public Halving(long channels, long width, DownPadding padding) : base("Halving")
    {
        (_width, _padding) = (width, padding);
        _conv = Add("conv", new Conv(channels, width, kernel: 3, stride: 2, padding: padding == DownPadding.Around ? 1 : 0));
    }

    public override void Trace(ShapeTrace trace) =>
        trace.Conv(_width, kernel: 3, stride: 2, padding: _padding == DownPadding.Around ? 2 : 1);

    protected override Tensor Apply(Tensor x) =>
        _conv.forward(_padding == DownPadding.Around ? x : nn.functional.pad(x, [0, 1, 0, 1]));
}

/// <summary>Twice the height and width: each pixel four times, then a 3x3 convolution.</summary>
internal sealed class Doubling : Block
{
    private static readonly double[] Twice = [2, 2];
    private readonly Conv _conv;

    public Doubling(long width) : base("Doubling") => _conv = Add("conv", new Conv(width, width, kernel: 3, padding: 1));

    /// <summary>Each pixel four times.</summary>
    public static Tensor Nearest(Tensor x) => nn.functional.interpolate(x, scale_factor: Twice, mode: InterpolationMode.Nearest);

    public override void Trace(ShapeTrace trace)
    {
        trace.Upsample();
        trace.Conv(trace.Shape.Channels, kernel: 3, padding: 2);
    }

    public override StoredImage ApplyTiled(StoredImage x, TiledPass pass) => pass.Convolve(x, norm: null, _conv, x.Shape.Channels, doubling: true);

    protected override Tensor Apply(Tensor x) => _conv.ForwardDoubled(x);
}
