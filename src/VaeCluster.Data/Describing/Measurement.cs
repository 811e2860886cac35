using VaeCluster.Data.Images;

namespace VaeCluster.Data.Describing;

/// <summary>
/// What one thread has seen. All sums are of integers, so that the description does not depend on who saw what.
/// </summary>
internal sealed class Measurement(DataSet data, ImageTransform transform) : IDisposable
{
    private readonly ImageDecoder decoder = new(data.Options.MaxPixels);
    private readonly PlanarImage image = new();
    private readonly long[] sums = new long[transform.Shape.Channels];
    private readonly UInt128[] squares = new UInt128[transform.Shape.Channels];
    private long decoded;

    public long Bytes { get; private set; }

    public Dictionary<ImageFormat, long> Formats { get; } = [];

    public SortedDictionary<int, long> Widths { get; } = [];

    public SortedDictionary<int, long> Heights { get; } = [];

    public List<BadImage> Broken { get; } = [];

    public List<BadImage> Unreadable { get; } = [];

    public void Add(long sample, CancellationToken cancellation)
    {
        var entry = data.Manifest[sample];
        Bytes += entry.Size;
        var bytes = new byte[Math.Min(entry.Size, Array.MaxLength)];
        try
        {
            if (bytes.Length > 0) data.Reader.Read(entry, bytes, cancellation);
        }
        catch (SampleReadException error)
        {
            Unreadable.Add(new BadImage(sample, data.NameOf(sample), error.Message));
            return;
        }
        var info = new ImageInfo();
        if (entry.Records is { } raw)
        {
            (info.Width, info.Height) = (raw.Width, raw.Height);
            decoder.Resample(bytes, raw, transform, image);
        }
        else if (decoder.Decode(bytes, transform, image, out info) is { } reason)
        {
            Broken.Add(new BadImage(sample, data.NameOf(sample), reason));
            return;
        }
        Count(Formats, info.Format);
        var turned = info.Orientation >= 5;
        Count(Widths, turned ? info.Height : info.Width);
        Count(Heights, turned ? info.Width : info.Height);
        Sum();
    }

    public void Merge(Measurement other)
    {
        Bytes += other.Bytes;
        decoded += other.decoded;
        foreach (var (format, count) in other.Formats) Count(Formats, format, count);
        foreach (var (width, count) in other.Widths) Count(Widths, width, count);
        foreach (var (height, count) in other.Heights) Count(Heights, height, count);
        Broken.AddRange(other.Broken);
        Unreadable.AddRange(other.Unreadable);
        for (var channel = 0; channel < sums.Length; channel++)
        {
            sums[channel] += other.sums[channel];
            squares[channel] += other.squares[channel];
        }
    }

    /// <summary>Mean and deviation of a channel, in [0, 1].</summary>
    public (double Mean, double Deviation) Of(int channel)
    {
        var pixels = Math.Max(1.0, (double)decoded * transform.Shape.Size * transform.Shape.Size);
        var mean = sums[channel] / pixels;
        return (mean / 255, Math.Sqrt(Math.Max(0, (double)squares[channel] / pixels - mean * mean)) / 255);
    }

    public void Dispose() => decoder.Dispose();

    private void Sum()
    {
        decoded++;
        var plane = transform.Shape.Size * transform.Shape.Size;
        for (var channel = 0; channel < sums.Length; channel++)
        {
            var (sum, square) = (0L, 0L);
            foreach (var value in image.Pixels.Slice(channel * plane, plane))
            {
                sum += value;
                square += value * value;
            }
            sums[channel] += sum;
            squares[channel] += (UInt128)square;
        }
    }

    private static void Count<T>(IDictionary<T, long> counts, T key, long by = 1) =>
        counts[key] = counts.TryGetValue(key, out var count) ? count + by : by;
}
