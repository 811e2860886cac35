namespace VaeCluster.Protocol.Segments;

/// <summary>
/// Chooses where a segment's payload goes. Asked once per segment, on the task that reads the stream, before the payload
/// is copied; it may be asked from several streams at once and should not block.
/// </summary>
public interface ISegmentSink
{
    SegmentPlace PlaceFor(in SegmentHeader header, int payloadBytes);
}

/// <summary>A sink's answer.</summary>
public readonly record struct SegmentPlace
{
    /// <summary>The payload is read over and the stream goes on: for what comes too late for a step that was given up.</summary>
    public static SegmentPlace Skip => default;

    internal Memory<byte>? Destination { get; private init; }

    internal string? Refusal { get; private init; }

    /// <summary>The payload is copied there. Its length has to be that of the payload; anything else ends the call.</summary>
    public static SegmentPlace Into(Memory<byte> destination) => new() { Destination = destination };

    /// <summary>Ends the call with FAILED_PRECONDITION and the reason: a stale generation, another run.</summary>
    public static SegmentPlace Refuse(string reason) => new() { Refusal = reason };
}
