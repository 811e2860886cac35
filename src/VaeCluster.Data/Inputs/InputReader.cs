using VaeCluster.Data.Images;

namespace VaeCluster.Data.Inputs;

/// <summary>One thread's means to turn an image into floats.</summary>
internal sealed class InputReader(ImageTransform transform, long maxPixels) : IDisposable
{
    private readonly ImageDecoder decoder = new(maxPixels);
    private readonly PlanarImage image = new(), scratch = new();
    private byte[] buffer = [];

    /// <summary>Null, or why it is no image.</summary>
    /// <param name="change">What had to be changed.</param>
    public string? Load(InputPart part, long index, Span<float> output, out InputChange change, CancellationToken cancellation)
    {
        change = default;
        var bytes = part.Read(index, ref buffer, out var raw, cancellation);
        var (width, height, channels) = (0, 0, 0);
        if (raw is not null)
        {
            decoder.Resample(bytes, raw, transform, image);
            (width, height, channels) = (raw.Width, raw.Height, raw.Channels);
        }
        else
        {
            if (decoder.Decode(bytes, transform, image, out var info) is { } reason) return reason;
            (width, height, channels) = (info.Width, info.Height, info.Channels);
        }
        transform.Finish(new ImagePixels(image.Pixels, image.Channels, image.Width, image.Height), 0, decoder, scratch, output);
        var shape = transform.Shape;
        change = new(
            Resized: width != shape.Size || height != shape.Size,
            ToGrey: shape.Channels == 1 && channels >= 3,
            ToColour: shape.Channels == 3 && channels is 1 or 2);
        return null;
    }

    public void Dispose() => decoder.Dispose();
}

/// <summary>How an image differed from what the model takes.</summary>
internal readonly record struct InputChange(bool Resized, bool ToGrey, bool ToColour);
