using VaeCluster.Data.Broken;
using VaeCluster.Data.Cache;
using VaeCluster.Data.Images;
using VaeCluster.Data.Splits;

namespace VaeCluster.Data.Pipeline;

/// <summary>One sample to its floats: read, decode, replace if broken, augment, normalise. One per thread.</summary>
internal sealed class SampleLoader(DataSet data, ImageTransform transform, DecodedCache? cache, Split split, ulong seed) : IDisposable
{
    // A file beyond this is no image that anyone trains on; what is larger than Keep is given back after use.
    private const long MostBytes = 512 << 20;
    private const int Keep = 32 << 20;

    private readonly ImageDecoder decoder = new(data.Options.MaxPixels);
    private readonly PlanarImage image = new();
    private readonly PlanarImage scratch = new();
    private byte[] bytes = [];

    /// <summary>The input of a sample of the manifest in an epoch: shape.Values floats.</summary>
    /// <exception cref="SampleReadException">It, or what replaces it, could not be read.</exception>
    /// <exception cref="UserErrorException">Too many images are broken.</exception>
    public void Load(long sample, long epoch, Span<float> output, CancellationToken cancellation)
    {
        if (!TryPixels(sample, out var pixels, cancellation)) pixels = Replace(sample, cancellation);
        // Drawn for the sample of the epoch, also where another one stands in for it.
        transform.Finish(pixels, ImageTransform.DrawOf(seed, epoch, sample), decoder, scratch, output);
    }

    public void Dispose() => decoder.Dispose();

    private ImagePixels Replace(long sample, CancellationToken cancellation)
    {
        foreach (var candidate in BrokenImages.Replacements(data.Manifest, split, sample, seed))
            if (TryPixels(candidate, out var pixels, cancellation)) return pixels;
        throw new UserErrorException($"None of the {data.Manifest.Count(split):N0} images decodes. Is {data.Options.Source} the right source?");
    }

    /// <summary>From the cache, else from the file and into the cache; false when the image is broken.</summary>
    private bool TryPixels(long sample, out ImagePixels pixels, CancellationToken cancellation)
    {
        if (cache is not null && cache.TryGet(sample, out pixels)) return true;
        pixels = default;
        if (!TryDecode(sample, cancellation)) return false;
        pixels = new ImagePixels(image.Pixels, image.Channels, image.Width, image.Height);
        cache?.Add(sample, pixels);
        return true;
    }

    private bool TryDecode(long sample, CancellationToken cancellation)
    {
        if (data.Broken.Contains(sample)) return false;
        var entry = data.Manifest[sample];
        if (entry.Size > MostBytes)
        {
            data.Broken.Add(sample, data.NameOf(sample), $"{entry.Size:N0} bytes are too many for an image", split);
            return false;
        }
        if (bytes.Length < entry.Size || (bytes.Length > Keep && entry.Size <= Keep)) bytes = new byte[Math.Max(entry.Size, 64 << 10)];
        var read = bytes.AsSpan(0, (int)entry.Size);
        // An empty file may be anything, a pipe that never ends included: there is nothing to read in it.
        if (entry.Size > 0) data.Reader.Read(entry, read, cancellation);

        if (entry.Records is { } raw)
        {
            decoder.Resample(read, raw, transform, image);
            return true;
        }
        if (decoder.Decode(read, transform, image, out _) is not { } reason) return true;
        data.Broken.Add(sample, data.NameOf(sample), reason, split);
        return false;
    }
}
