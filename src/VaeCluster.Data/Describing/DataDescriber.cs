using VaeCluster.Data.Images;
using VaeCluster.Data.Order;
using VaeCluster.Data.Splits;

namespace VaeCluster.Data.Describing;

/// <summary>Looks at every image of a data set, or at some drawn from it.</summary>
public static class DataDescriber
{
    /// <summary>The shape in which a source is described when nobody names one: IDX as it is, the rest at 64 pixels in colour.</summary>
    public static ImageShape ShapeOf(DataSet data) => data.Manifest[0].Records is { } raw
        ? new ImageShape(raw.Channels, data.Options.Size ?? Math.Min(raw.Width, raw.Height), PixelRange.ZeroToOne)
        : new ImageShape(3, data.Options.Size ?? 64, PixelRange.ZeroToOne);

    /// <param name="data">Opened; its broken images are not counted against the limit.</param>
    /// <param name="shape">For mean and deviation.</param>
    /// <param name="limit">At most so many samples; null for all.</param>
    /// <param name="progress">Samples done.</param>
    /// <param name="cancellation">Ends it with an exception.</param>
    public static DataDescription Describe(DataSet data, ImageShape shape, long? limit = null, IProgress<long>? progress = null,
        CancellationToken cancellation = default)
    {
        var transform = new ImageTransform(data.Options, shape, augment: false);
        var all = data.Manifest.Count();
        var count = Math.Min(limit ?? all, all);
        var order = SampleOrder.For(Purpose.ContactSheet, 0, 1, all);
        using var whole = new Measurement(data, transform);
        var done = 0L;
        var threads = data.Options.Threads > 0 ? data.Options.Threads : Environment.ProcessorCount;
        Parallel.For(0L, count, new ParallelOptions { CancellationToken = cancellation, MaxDegreeOfParallelism = threads },
            () => new Measurement(data, transform),
            (index, _, part) =>
            {
                part.Add(count < all ? order[index] : index, cancellation);
                if (Interlocked.Increment(ref done) is var so && so % 256 == 0) progress?.Report(so);
                return part;
            },
            part =>
            {
                lock (whole) whole.Merge(part);
                part.Dispose();
            });
        progress?.Report(count);
        var channels = Enumerable.Range(0, shape.Channels).Select(whole.Of).ToList();
        return new DataDescription(data.Options.Source, data.Manifest.Id, data.Manifest.Bytes,
            data.Manifest.Count(Split.Train), data.Manifest.Count(Split.Validation), data.Manifest.Count(Split.Test),
            count, whole.Bytes, whole.Formats, Spread.Of(whole.Widths), Spread.Of(whole.Heights),
            [.. whole.Broken.OrderBy(image => image.Sample)], [.. whole.Unreadable.OrderBy(image => image.Sample)], shape,
            [.. channels.Select(channel => channel.Mean)], [.. channels.Select(channel => channel.Deviation)]);
    }
}
