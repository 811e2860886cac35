namespace VaeCluster.Collectives;

/// <summary>The halves of an all-reduce.</summary>
public enum SegmentPhase
{
    None = 0,

    /// <summary>Partial sums on their way to the chunk's owner.</summary>
    Reduce = 1,

    /// <summary>The finished chunk on its way to everyone.</summary>
    Gather = 2,
}

/// <summary>What a payload's bytes are. Little-endian.</summary>
public enum WireFormat
{
    None = 0,
    Fp32 = 1,
    Bf16 = 2,
}

/// <summary>
/// What a segment is for. Field by field the message of collective.proto, with its types: what a peer sends is judged by
/// <see cref="Exchange.Resolve"/> alone, so a link copies the fields without a thought.
/// </summary>
public readonly record struct SegmentHeader
{
    public required string Run { get; init; }

    /// <summary>The plan that the segment is sent under.</summary>
    public required Generation Generation { get; init; }

    /// <summary>The newest plan that the sender held when it began the step; the same in all its segments of the step.</summary>
    public required Generation Held { get; init; }

    public required ulong Step { get; init; }

    public required uint Bucket { get; init; }

    /// <summary>The chunk of the bucket, by its owner's index among the contributors (not its rank).</summary>
    public required uint Chunk { get; init; }

    public required SegmentPhase Phase { get; init; }

    public required WireFormat Format { get; init; }

    /// <summary>Where the payload begins in the chunk, in elements. How many there are follows from the payload's length.</summary>
    public required ulong Offset { get; init; }

    /// <summary>In the reduce phase: the subtree that was summed, by its first slot and its number of slots. Else 0.</summary>
    public required uint FirstSlot { get; init; }

    public required uint Slots { get; init; }

    /// <summary>The sender's rank in the plan.</summary>
    public required uint Sender { get; init; }
}
