using TorchSharp.Modules;

namespace VaeCluster.Torch;

/// <summary>A tensor's place in a flat buffer, in elements.</summary>
public sealed record FlatEntry(string Name, long Offset, long[] Shape)
{
    public long Count { get; } = Shape.Aggregate(1L, (product, extent) => product * extent);
}

/// <summary>A contiguous range of the flat gradient buffer that is reduced as one.</summary>
public readonly record struct Bucket(int Index, long Offset, long Count);

/// <summary>
/// Where everything lies in the flat buffers: first the parameters, in reverse order of registration, because backward
/// finishes the last layers first and their buckets can leave early; behind them, in the gradient buffer only, the step's
/// sums (batch statistics, losses) which are summed over the slots just as gradients are. Follows from model and config alone.
/// </summary>
public sealed class FlatLayout
{
    // Every tensor starts on a cache line of 64 bytes; the gaps stay zero in all buffers.
    private const long Alignment = 16;

    /// <summary>A sixteenth of the model: what the last bucket takes, backward can't hide. Small ones cost more than they hide.</summary>
    private const long BucketShare = 16;
    private const long LeastBucketBytes = 256 << 10;
    private const long MostBucketBytes = 4 << 20;

    /// <param name="parameters">In the order of their registration.</param>
    /// <param name="sums">Elements of the step's sums.</param>
    /// <param name="bucketBytes">A bucket is closed when it has this many; by the model's size where it is not given.</param>
    public FlatLayout(IEnumerable<(string name, Parameter parameter)> parameters, long sums, long? bucketBytes = null)
    {
        var all = parameters.Reverse().ToList();
        var enough = bucketBytes ?? Math.Clamp(all.Sum(entry => entry.parameter.numel()) * sizeof(float) / BucketShare, LeastBucketBytes, MostBucketBytes);
        var entries = new List<FlatEntry>();
        var buckets = new List<Bucket>();
        long offset = 0, bucketStart = 0;
        foreach (var (name, parameter) in all)
        {
            var entry = new FlatEntry(name, offset, parameter.shape);
            entries.Add(entry);
            offset += Align(entry.Count);
            if ((offset - bucketStart) * sizeof(float) < enough) continue;
            buckets.Add(new Bucket(buckets.Count, bucketStart, offset - bucketStart));
            bucketStart = offset;
        }
        Parameters = entries;
        ParameterLength = offset;
        SumsOffset = offset;
        Length = offset + Align(sums);
        // The sums are complete when the last gradient is: they end the last bucket.
        if (bucketStart == ParameterLength && buckets.Count > 0)
        {
            bucketStart = buckets[^1].Offset;
            buckets.RemoveAt(buckets.Count - 1);
        }
        buckets.Add(new Bucket(buckets.Count, bucketStart, Length - bucketStart));
        Buckets = buckets;
    }

    public IReadOnlyList<FlatEntry> Parameters { get; }

    public IReadOnlyList<Bucket> Buckets { get; }

    /// <summary>Elements of the weights, of the optimizer's buffers and of the average.</summary>
    public long ParameterLength { get; }

    public long SumsOffset { get; }

    /// <summary>Elements of the gradient buffer: gradients and sums.</summary>
    public long Length { get; }

    public int BucketOf(FlatEntry entry)
    {
        for (var i = Buckets.Count - 1; i > 0; i--)
        {
            if (entry.Offset >= Buckets[i].Offset) return i;
        }
        return 0;
    }

    private static long Align(long count) => (count + Alignment - 1) / Alignment * Alignment;
}
