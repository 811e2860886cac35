using TorchSharp.Internal;

namespace TorchSharp;

public static partial class torch
{
    public static partial class nn
    {
        public static partial class functional
        {
            /// <summary>Resizes [B, C, H, W] to a size or by a factor, one of the two.</summary>
            public static Tensor interpolate(
                Tensor x, long[]? size = null, double[]? scale_factor = null,
                InterpolationMode mode = InterpolationMode.Nearest, bool? align_corners = null,
                bool recompute_scale_factor = false, bool antialias = false)
            {
                if (x.ndim != 4) throw new ArgumentException($"Only [B, C, H, W] can be resized; this tensor has {x.ndim} dimensions.");
                if (size is null == scale_factor is null) throw new ArgumentException("Either size or scale_factor is needed, not both.");
                if (recompute_scale_factor && scale_factor is not null)
                {
                    size = [(long)(x.size(2) * scale_factor[0]), (long)(x.size(3) * scale_factor[^1])];
                    scale_factor = null;
                }
                if (size is { Length: 1 }) size = [size[0], size[0]];
                if (scale_factor is { Length: 1 }) scale_factor = [scale_factor[0], scale_factor[0]];
                var aligned = align_corners ?? false;
                return (mode, antialias) switch
                {
                    (InterpolationMode.Nearest, false) => Ops.upsample_nearest2d_vec.Call(x, size, scale_factor),
                    (InterpolationMode.Bilinear, false) => Ops.upsample_bilinear2d_vec.Call(x, size, aligned, scale_factor),
                    (InterpolationMode.Bilinear, true) => Ops._upsample_bilinear2d_aa_vec.Call(x, size, aligned, scale_factor),
                    (InterpolationMode.Bicubic, false) => Ops.upsample_bicubic2d_vec.Call(x, size, aligned, scale_factor),
                    (InterpolationMode.Bicubic, true) => Ops._upsample_bicubic2d_aa_vec.Call(x, size, aligned, scale_factor),
                    (InterpolationMode.Area, false) => Ops.adaptive_avg_pool2d.Call(
                        x, size ?? [(long)(x.size(2) * scale_factor![0]), (long)(x.size(3) * scale_factor[1])]),
                    _ => throw new NotSupportedException($"{mode}{(antialias ? " with antialias" : "")} is not part of this subset of TorchSharp."),
                };
            }

            /// <summary>Pads pairs of sides, from the last dimension on: left, right, top, bottom.</summary>
            public static Tensor pad(Tensor input, long[] pad, PaddingModes mode = PaddingModes.Constant, double value = 0) =>
                functional.pad(input, pad.AsSpan(), mode, value);

            public static Tensor pad(
                Tensor input, ReadOnlySpan<long> pad, PaddingModes mode = PaddingModes.Constant, double value = 0) => mode switch
                {
                    PaddingModes.Constant => Ops.pad.Call(input, pad, "constant", value),
                    PaddingModes.Zeros => Ops.pad.Call(input, pad, "constant", 0.0),
                    PaddingModes.Reflect => Ops.pad.Call(input, pad, "reflect"),
                    PaddingModes.Replicate => Ops.pad.Call(input, pad, "replicate"),
                    _ => Ops.pad.Call(input, pad, "circular"),
                };

            public static Tensor pad(
                Tensor input, (long, long, long, long) pad, PaddingModes mode = PaddingModes.Constant, double value = 0) =>
                functional.pad(input, [pad.Item1, pad.Item2, pad.Item3, pad.Item4], mode, value);

            public static Tensor avg_pool2d(
                Tensor input, long kernel_size, long? stride = null, long padding = 0, bool ceil_mode = false,
                bool count_include_pad = true, long? divisor_override = null) =>
                avg_pool2d(
                    input, [kernel_size, kernel_size], stride is { } step ? [step, step] : null, [padding, padding], ceil_mode,
                    count_include_pad, divisor_override);

            public static Tensor avg_pool2d(
                Tensor input, long[] kernel_size, long[]? stride = null, long[]? padding = null, bool ceil_mode = false,
                bool count_include_pad = true, long? divisor_override = null) =>
                Ops.avg_pool2d.Call(
                    input, kernel_size, stride ?? [], padding ?? [0, 0], ceil_mode, count_include_pad, divisor_override);
        }
    }
}
