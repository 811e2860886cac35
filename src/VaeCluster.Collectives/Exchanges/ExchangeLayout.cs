namespace VaeCluster.Collectives;

/// <summary>
/// What all plans of a run have in common. It follows from model and config, never from measured timing, and is the same
/// in every member.
/// </summary>
public sealed class ExchangeLayout
{
    /// <summary>Smaller buckets and chunks than this are cut no further, in floats: a cache line.</summary>
    public const int Unit = 16;

    public required string Run { get; init; }

    /// <summary>V, the number of virtual workers.</summary>
    public required int Slots { get; init; }

    /// <summary>The lengths of the buckets, in floats, in the order in which they lie in the flat buffer, without gaps.</summary>
    public required IReadOnlyList<int> Buckets { get; init; }

    /// <summary>How gradients travel. With bf16, the result is deterministic for a fixed plan only.</summary>
    public WireFormat Format { get; init; } = WireFormat.Fp32;

    /// <summary>How many floats at the end of the last bucket travel as fp32 in any case: sums that have to stay exact.</summary>
    public int ExactTail { get; init; }

    /// <summary>Payload of a segment at most, in bytes; a multiple of 64.</summary>
    public int SegmentBytes { get; init; } = 512 * 1024;

    /// <summary>How many steps a spare queues beyond the one that it works on.</summary>
    public int QueuedSteps { get; init; } = 4;

    /// <summary>The length of the flat buffer, in floats.</summary>
    public long Length => Buckets.Sum(length => (long)length);

    internal void Validate()
    {
        ArgumentException.ThrowIfNullOrEmpty(Run);
        ArgumentOutOfRangeException.ThrowIfLessThan(Slots, 1);
        if (Buckets.Count == 0) throw new ArgumentException("There is no bucket.");
        if (Buckets.Any(length => length < 1 || length > FloatMemory.LongestCount))
        {
            throw new ArgumentException($"A bucket has 1 to {FloatMemory.LongestCount} floats, but they are {string.Join(", ", Buckets)}.");
        }
        if (Format is not (WireFormat.Fp32 or WireFormat.Bf16)) throw new ArgumentException($"There is no wire format {Format}.");
        if (ExactTail < 0 || ExactTail > Buckets[^1]) throw new ArgumentException("The exact tail is not a part of the last bucket.");
        if (SegmentBytes < 64 || SegmentBytes % 64 != 0) throw new ArgumentException("The size of a segment is not a multiple of 64 bytes.");
        ArgumentOutOfRangeException.ThrowIfLessThan(QueuedSteps, 1);
    }
}
