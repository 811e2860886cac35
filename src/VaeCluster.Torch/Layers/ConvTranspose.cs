using System.Runtime.InteropServices;
using TorchSharp.Modules;
using VaeCluster.Torch.Native;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace VaeCluster.Torch;

/// <summary>
/// A two-dimensional transposed convolution with PyTorch's parameter names, initialisation and numbers (to 4e-7), computed on
/// the CPU as the input gradient of a convolution on channels-last images: several times faster there than the stock operator.
/// </summary>
public sealed partial class ConvTranspose : Module<Tensor, Tensor>
{
    private readonly long stride, padding, outputPadding;
    private readonly Parameter weight; // [in, out, kernel, kernel]
    private readonly Parameter? bias;  // [out]

    public ConvTranspose(long inChannels, long outChannels, long kernel, long stride = 1, long padding = 0,
        long outputPadding = 0, bool bias = true) : base(nameof(ConvTranspose))
    {
        (this.stride, this.padding, this.outputPadding) = (stride, padding, outputPadding);
        weight = new Parameter(empty(inChannels, outChannels, kernel, kernel));
        init.kaiming_uniform_(weight, Math.Sqrt(5));
        if (bias)
        {
            // Fan-in as PyTorch counts it for a transposed convolution: the second dimension times the kernel.
            var bound = 1 / Math.Sqrt(outChannels * kernel * kernel);
            this.bias = new Parameter(empty(outChannels));
            init.uniform_(this.bias, -bound, bound);
        }
        RegisterComponents();
    }

    /// <param name="input">[B, in, H, W]</param>
    /// <returns>[B, out, (H-1)*stride - 2*padding + kernel + outputPadding, likewise W]</returns>
    public override Tensor forward(Tensor input)
    {
        if (input.device_type != TorchSharp.DeviceType.CPU || !NativeAdditions.Available)
        {
            return functional.conv_transpose2d(input, weight, bias, strides: [stride, stride], padding: [padding, padding],
                output_padding: [outputPadding, outputPadding]);
        }
        NativeAdditions.Check(vct_conv_transpose2d(input.Handle, weight.Handle, bias?.Handle ?? 0, stride, padding,
            outputPadding, out var result));
        return Tensor.UnsafeCreateTensor(result);
    }

    [LibraryImport(NativeAdditions.Library)]
    private static partial int vct_conv_transpose2d(nint input, nint weight, nint bias, long stride, long padding,
        long outputPadding, out nint result);
}
