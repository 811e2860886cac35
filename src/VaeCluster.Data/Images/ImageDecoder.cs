using VaeCluster.Data.Manifests;

namespace VaeCluster.Data.Images;

/// <summary>Decodes and resizes; one per thread. What it can't decode is an outcome with a reason, not an exception.</summary>
internal sealed unsafe class ImageDecoder(long maxPixels) : IDisposable
{
    // Of images this large one is decoded at a time, so that memory does not grow with the number of threads.
    private const long Large = 16_000_000;
    private static readonly SemaphoreSlim OneLarge = new(1, 1);

    private readonly DecoderHandle native = DecoderHandle.Create();
    private byte[] interleaved = [];

    /// <summary>What decoded pixels depend on besides the bytes: part of a worker's fingerprint.</summary>
    public static string Version => NativeImages.DecoderVersion();

    /// <summary>Looks at the header alone.</summary>
    public static ImageInfo Probe(ReadOnlySpan<byte> bytes)
    {
        ImageInfo info;
        fixed (byte* start = bytes) NativeImages.Check(NativeImages.vc_data_probe(start, bytes.Length, &info));
        return info;
    }

    /// <summary>An image file's bytes to the transform's first part; null, or why these bytes are a broken image.</summary>
    public string? Decode(ReadOnlySpan<byte> bytes, ImageTransform transform, PlanarImage output, out ImageInfo info)
    {
        info = default;
        if (bytes.IsEmpty) return "the file is empty";
        info = Probe(bytes);
        if (info.Format == ImageFormat.Unknown) return "no JPEG, PNG, WebP, TIFF, GIF or BMP header";
        var pixels = (long)info.Width * info.Height;
        if (pixels > maxPixels) return $"{info.Width} x {info.Height} pixels are more than data.max_pixels ({maxPixels:N0})";

        var turned = info.Orientation >= 5;
        var (plan, reason) = transform.Decide(turned ? info.Height : info.Width, turned ? info.Width : info.Height, info.Orientation);
        if (plan is null) return reason;
        var large = pixels > Large;
        if (large) OneLarge.Wait();
        try
        {
            return info.Format == ImageFormat.Gif ? DecodeGif(bytes, plan.Value, output) : DecodeNative(bytes, plan.Value, output);
        }
        finally
        {
            if (large) OneLarge.Release();
        }
    }

    /// <summary>Pixels that need no decoding.</summary>
    public void Resample(ReadOnlySpan<byte> pixels, RawImages raw, ImageTransform transform, PlanarImage output)
    {
        var (plan, reason) = transform.Decide(raw.Width, raw.Height, 1);
        if (plan is null) throw new UserErrorException($"data.resize: {reason}. Set it to stretch.");
        Resample(ToChannels(pixels, raw.Channels, transform.Shape.Channels), raw.Width, raw.Height, plan.Value, output);
    }

    /// <summary>A square of an image, resized; plane by plane.</summary>
    public void ResizeView(ImagePixels image, int x, int y, int side, int size, PlanarImage output)
    {
        var plan = new ImagePlan
        {
            Channels = 1,
            Orientation = 1,
            ViewX = x,
            ViewY = y,
            ViewWidth = side,
            ViewHeight = side,
            ResizedWidth = size,
            ResizedHeight = size,
            OutWidth = size,
            OutHeight = size,
        };
        output.Resize(image.Channels, size, size);
        for (var channel = 0; channel < image.Channels; channel++)
        {
            var plane = image.Pixels.Slice(channel * image.Width * image.Height, image.Width * image.Height);
            Resample(plane, image.Width, image.Height, plan, output.Pixels.Slice(channel * size * size, size * size));
        }
    }

    /// <summary>A window of the shape's size, normalised.</summary>
    public static void ToFloat(ImagePixels image, int left, int top, ImageShape shape, bool mirrored, Span<float> output)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(output.Length, shape.Values);
        if (image.Channels != shape.Channels || left + shape.Size > image.Width || top + shape.Size > image.Height || left < 0 || top < 0)
            throw new ArgumentException($"No {shape} at ({left}, {top}) in an image of [{image.Channels}, {image.Height}, {image.Width}].");
        fixed (byte* from = image.Pixels)
        fixed (float* to = output)
        {
            for (var channel = 0; channel < shape.Channels; channel++)
            {
                NativeImages.vc_data_to_float(from + ((long)channel * image.Height + top) * image.Width + left, image.Width,
                    shape.Size, shape.Size, mirrored ? 1 : 0, shape.Range == PixelRange.MinusOneToOne ? 1 : 0,
                    to + (long)channel * shape.Size * shape.Size);
            }
        }
    }

    public void Dispose() => native.Dispose();

    private string? DecodeNative(ReadOnlySpan<byte> bytes, ImagePlan plan, PlanarImage output)
    {
        output.Resize(plan.Channels, plan.OutWidth, plan.OutHeight);
        int broken;
        fixed (byte* start = bytes)
        fixed (byte* target = output.Pixels)
            NativeImages.Check(NativeImages.vc_data_decode(native.DangerousGetHandle(), start, bytes.Length, &plan, target, &broken));
        GC.KeepAlive(native);
        return broken != 0 ? NativeImages.LastError() : null;
    }

    private string? DecodeGif(ReadOnlySpan<byte> bytes, ImagePlan plan, PlanarImage output)
    {
        var (pixels, reason) = GifImage.DecodeFirst(bytes);
        if (pixels is null) return reason;
        Resample(ToChannels(pixels, 3, plan.Channels), plan.ViewX + plan.ViewWidth, plan.ViewY + plan.ViewHeight, plan, output);
        return null;
    }

    private void Resample(ReadOnlySpan<byte> pixels, int width, int height, ImagePlan plan, PlanarImage output)
    {
        output.Resize(plan.Channels, plan.OutWidth, plan.OutHeight);
        Resample(pixels, width, height, plan, output.Pixels);
    }

    private void Resample(ReadOnlySpan<byte> pixels, int width, int height, ImagePlan plan, Span<byte> output)
    {
        fixed (byte* start = pixels)
        fixed (byte* target = output)
            NativeImages.Check(NativeImages.vc_data_resample(native.DangerousGetHandle(), start, width, height, &plan, target));
        GC.KeepAlive(native);
    }

    /// <summary>Grey repeated to RGB, or RGB to the grey of ITU-R 601 with PIL's rounding.</summary>
    private ReadOnlySpan<byte> ToChannels(ReadOnlySpan<byte> pixels, int from, int to)
    {
        if (from == to) return pixels;
        var count = pixels.Length / from;
        if (interleaved.Length < count * to) interleaved = new byte[count * to];
        for (var i = 0; i < count; i++)
        {
            if (to == 3) interleaved.AsSpan(3 * i, 3).Fill(pixels[i]);
            else interleaved[i] = (byte)((pixels[3 * i] * 19595 + pixels[3 * i + 1] * 38470 + pixels[3 * i + 2] * 7471 + 0x8000) >> 16);
        }
        return interleaved.AsSpan(0, count * to);
    }
}
