using VaeCluster.Protocol.V1;

namespace VaeCluster.Protocol.Segments;

/// <summary>What a segment is for. The fields are those of collective.proto, where each is explained.</summary>
public readonly record struct SegmentHeader
{
    /// <summary>At most <see cref="SegmentWire.LongestRun"/> bytes in UTF-8.</summary>
    public required string Run { get; init; }

    public PlanGeneration Generation { get; init; }

    public PlanGeneration KnownGeneration { get; init; }

    public ulong Step { get; init; }

    public uint Bucket { get; init; }

    public uint Chunk { get; init; }

    public Phase Phase { get; init; }

    public WireFormat Format { get; init; }

    /// <summary>In elements, from the beginning of the chunk.</summary>
    public ulong Offset { get; init; }

    public uint FirstSlot { get; init; }

    public uint Slots { get; init; }

    public uint Sender { get; init; }
}
