using TorchSharp.Modules;
using static TorchSharp.torch;

namespace TorchSharp.Modules
{
    public abstract class Convolution : nn.Module<Tensor, Tensor>
    {
        private protected Convolution(
            string name, long in_channels, long out_channels, long[] kernel_size, long[] stride, long[] padding, long[] dilation,
            bool transposed, long[] output_padding, long groups, bool bias, PaddingModes padding_mode, Device? device,
            ScalarType? dtype)
            : base(name)
        {
            if (groups < 1 || in_channels % groups != 0) throw new ArgumentException("in_channels must be divisible by groups");
            if (out_channels % groups != 0) throw new ArgumentException("out_channels must be divisible by groups");
            this.in_channels = in_channels;
            this.out_channels = out_channels;
            this.kernel_size = kernel_size;
            this.stride = stride;
            this.padding = padding;
            this.dilation = dilation;
            this.transposed = transposed;
            this.output_padding = output_padding;
            this.groups = groups;
            this.padding_mode = padding_mode;
            long[] shape = transposed ? [in_channels, out_channels / groups] : [out_channels, in_channels / groups];
            weight = new Parameter(empty([.. shape, .. kernel_size], dtype, device));
            if (bias) this.bias = new Parameter(empty(out_channels, dtype, device));
            reset_parameters();
        }

        public long in_channels { get; }

        public long out_channels { get; }

        public long[] kernel_size { get; set; }

        public long[] stride { get; set; }

        public long[] padding { get; }

        public long[] dilation { get; set; }

        public bool transposed { get; }

        public long[] output_padding { get; set; }

        public long groups { get; set; }

        public PaddingModes padding_mode { get; set; }

        public Parameter weight
        {
            get => Registered("weight")!;
            set => Replace("weight", value);
        }

        public Parameter? bias
        {
            get => Registered("bias");
            set => Replace("bias", value);
        }

        /// <summary>PyTorch's: uniform in +-1/sqrt(fan in), weight before bias.</summary>
        public void reset_parameters()
        {
            nn.init.kaiming_uniform_(weight, Math.Sqrt(5));
            if (bias is not { } parameter) return;
            var (fanIn, _) = nn.init.CalculateFanInAndFanOut(weight);
            if (fanIn > 0) nn.init.uniform_(parameter, -1 / Math.Sqrt(fanIn), 1 / Math.Sqrt(fanIn));
        }
    }

    public sealed class Conv2d : Convolution
    {
        internal Conv2d(
            long in_channels, long out_channels, long[] kernel_size, long[] stride, long[] padding, long[] dilation,
            long groups, bool bias, PaddingModes padding_mode, Device? device, ScalarType? dtype)
            : base(
                nameof(Conv2d), in_channels, out_channels, kernel_size, stride, padding, dilation, false, [0, 0], groups, bias,
                padding_mode, device, dtype)
        {
        }

        public override Tensor forward(Tensor input)
        {
            if (padding_mode == PaddingModes.Zeros)
                return nn.functional.conv2d(input, weight, bias, stride, padding, dilation, groups);
            // Left, right, top, bottom: pad counts from the last dimension.
            long[] sides = [padding[1], padding[1], padding[0], padding[0]];
            using var padded = nn.functional.pad(input, sides, padding_mode);
            return nn.functional.conv2d(padded, weight, bias, stride, [0, 0], dilation, groups);
        }
    }

    public abstract class ConvolutionTranspose : Convolution
    {
        private protected ConvolutionTranspose(
            string name, long in_channels, long out_channels, long[] kernel_size, long[] stride, long[] padding, long[] dilation,
            long[] output_padding, long groups, bool bias, PaddingModes padding_mode, Device? device, ScalarType? dtype)
            : base(
                name, in_channels, out_channels, kernel_size, stride, padding, dilation, true, output_padding, groups, bias,
                padding_mode, device, dtype)
        {
            if (padding_mode != PaddingModes.Zeros) throw new ArgumentException("Only zeros are a padding mode of transposed convolutions.");
        }

        public override Tensor forward(Tensor input) => forward(input, null);

        /// <param name="input">[B, C, H, W]</param>
        /// <param name="output_size">Height and width of the result, where output_padding is not to decide.</param>
        public abstract Tensor forward(Tensor input, long[]? output_size);
    }

    public sealed class ConvTranspose2d : ConvolutionTranspose
    {
        internal ConvTranspose2d(
            long in_channels, long out_channels, long[] kernel_size, long[] stride, long[] padding, long[] output_padding,
            long[] dilation, long groups, bool bias, PaddingModes padding_mode, Device? device, ScalarType? dtype)
            : base(
                nameof(ConvTranspose2d), in_channels, out_channels, kernel_size, stride, padding, dilation, output_padding, groups,
                bias, padding_mode, device, dtype)
        {
        }

        public override Tensor forward(Tensor input, long[]? output_size)
        {
            var extra = output_padding;
            if (output_size is not null)
            {
                extra = new long[2];
                for (var i = 0; i < 2; i++)
                {
                    var smallest = (input.size(i - 2) - 1) * stride[i] - 2 * padding[i] + dilation[i] * (kernel_size[i] - 1) + 1;
                    extra[i] = output_size[output_size.Length - 2 + i] - smallest;
                }
            }
            return nn.functional.conv_transpose2d(input, weight, bias, stride, padding, extra, dilation, groups);
        }
    }
}

namespace TorchSharp
{
    public static partial class torch
    {
        public static partial class nn
        {
            public static Conv2d Conv2d(
                long in_channels, long out_channels, long kernel_size, long stride = 1, long padding = 0, long dilation = 1,
                PaddingModes padding_mode = PaddingModes.Zeros, long groups = 1, bool bias = true, Device? device = null,
                ScalarType? dtype = null) =>
                new(
                    in_channels, out_channels, [kernel_size, kernel_size], [stride, stride], [padding, padding],
                    [dilation, dilation], groups, bias, padding_mode, device, dtype);

            public static Conv2d Conv2d(
                long in_channels, long out_channels, (long, long) kernel_size, (long, long)? stride = null,
                (long, long)? padding = null, (long, long)? dilation = null, PaddingModes padding_mode = PaddingModes.Zeros,
                long groups = 1, bool bias = true, Device? device = null, ScalarType? dtype = null) =>
                new(
                    in_channels, out_channels, Both(kernel_size), Both(stride ?? (1, 1)), Both(padding ?? (0, 0)),
                    Both(dilation ?? (1, 1)), groups, bias, padding_mode, device, dtype);

            public static ConvTranspose2d ConvTranspose2d(
                long in_channels, long out_channels, long kernel_size, long stride = 1, long padding = 0,
                long output_padding = 0, long dilation = 1, PaddingModes padding_mode = PaddingModes.Zeros, long groups = 1,
                bool bias = true, Device? device = null, ScalarType? dtype = null) =>
                new(
                    in_channels, out_channels, [kernel_size, kernel_size], [stride, stride], [padding, padding],
                    [output_padding, output_padding], [dilation, dilation], groups, bias, padding_mode, device, dtype);

            private static long[] Both((long, long) pair) => [pair.Item1, pair.Item2];
        }
    }
}
