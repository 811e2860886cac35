using VaeCluster.Torch;
using static TorchSharp.torch;

namespace VaeCluster.Models.Blocks;

/// <summary>Side of the kernel, stride and the padding on each side.</summary>
internal readonly record struct Kernel(long Side, long Stride, long Padding = 0, long OutputPadding = 0);

/// <summary>
/// What follows a convolution: BatchNorm, then LeakyReLU with this slope for negative values, 0 being ReLU.
/// </summary>
internal sealed record Rectifier(double NormEps, double Slope);

/// <summary>A convolution that shrinks the image, or a transposed one that grows it, normalised and rectified or bare.</summary>
internal sealed class ConvStage : Block
{
    private readonly nn.Module<Tensor, Tensor> _conv;
    private readonly nn.Module<Tensor, Tensor>? _norm;
    private readonly Action<ShapeTrace> _trace;

    private ConvStage(nn.Module<Tensor, Tensor> conv, long width, Rectifier? rectifier, Action<ShapeTrace> trace)
        : base("ConvStage")
    {
        _conv = Add("conv", conv);
        if (rectifier is not null) _norm = Add("norm", new StepBatchNorm2d(width, rectifier.NormEps, slope: rectifier.Slope));
        _trace = trace;
    }

    public static ConvStage Shrink(long channels, long width, Kernel kernel, Rectifier? rectifier = null) => new(
        new Conv(channels, width, kernel.Side, kernel.Stride, kernel.Padding), width, rectifier,
        trace => trace.Conv(width, kernel.Side, kernel.Stride, 2 * kernel.Padding));

    public static ConvStage Grow(long channels, long width, Kernel kernel, Rectifier? rectifier = null) => new(
        new ConvTranspose(channels, width, kernel.Side, kernel.Stride, kernel.Padding, kernel.OutputPadding), width, rectifier,
        trace => trace.ConvTranspose(width, kernel.Side, kernel.Stride, 2 * kernel.Padding - kernel.OutputPadding));

    public override void Trace(ShapeTrace trace) => _trace(trace);

    protected override Tensor Apply(Tensor x)
    {
        x = _conv.forward(x);
        return _norm is null ? x : _norm.forward(x.to(ScalarType.Float32));
    }
}
