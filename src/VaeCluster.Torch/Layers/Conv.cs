using System.Runtime.InteropServices;
using TorchSharp.Modules;
using VaeCluster.Torch.Native;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace VaeCluster.Torch;

/// <summary>
/// A two-dimensional convolution with PyTorch's parameter names, initialisation and numbers (to 4e-7), computed on the CPU with
/// images in channels-last memory order, which saves oneDNN from reordering them.
/// </summary>
public sealed partial class Conv : Module<Tensor, Tensor>
{
    private static readonly double[] Twice = [2, 2];

    private readonly long stride, padding;
    private readonly Parameter weight; // [out, in, kernel, kernel]
    private readonly Parameter bias;   // [out]

    public Conv(long inChannels, long outChannels, long kernel, long stride = 1, long padding = 0) : base(nameof(Conv))
    {
        (this.stride, this.padding) = (stride, padding);
        weight = new Parameter(empty(outChannels, inChannels, kernel, kernel));
        init.kaiming_uniform_(weight, Math.Sqrt(5));
        var bound = 1 / Math.Sqrt(inChannels * kernel * kernel);
        bias = new Parameter(empty(outChannels));
        init.uniform_(bias, -bound, bound);
        RegisterComponents();
    }

    /// <param name="input">[B, in, H, W]</param>
    /// <returns>[B, out, (H + 2*padding - kernel) / stride + 1, likewise W]</returns>
    public override Tensor forward(Tensor input)
    {
        if (input.device_type != TorchSharp.DeviceType.CPU || !NativeAdditions.Available)
            return functional.conv2d(input, weight, bias, strides: [stride, stride], padding: [padding, padding]);
        NativeAdditions.Check(vct_conv2d(input.Handle, weight.Handle, bias.Handle, stride, padding, out var result));
        return Tensor.UnsafeCreateTensor(result);
    }

    /// <summary>
    /// Of the input with each pixel four times, for a 3x3 kernel with stride and padding 1: on the CPU a transposed convolution
    /// of the input as it is, with half the work.
    /// </summary>
    /// <param name="input">[B, in, H, W]</param>
    /// <returns>[B, out, 2 H, 2 W]</returns>
    public Tensor ForwardDoubled(Tensor input)
    {
        if (input.device_type != TorchSharp.DeviceType.CPU || !NativeAdditions.Available)
        {
            using var doubled = functional.interpolate(input, scale_factor: Twice, mode: InterpolationMode.Nearest);
            return forward(doubled);
        }
        NativeAdditions.Check(vct_conv2d_doubled(input.Handle, weight.Handle, bias.Handle, out var result));
        return Tensor.UnsafeCreateTensor(result);
    }

    [LibraryImport(NativeAdditions.Library)]
    private static partial int vct_conv2d_doubled(nint input, nint weight, nint bias, out nint result);

    [LibraryImport(NativeAdditions.Library)]
    private static partial int vct_conv2d(nint input, nint weight, nint bias, long stride, long padding, out nint result);
}
