namespace VaeCluster.Protocol.Segments;

/// <summary>
/// One message of the data path. The payload is a part of somebody's buffer and is never copied into one of the
/// message's own: the sender's buffer has to stay as it is until the write has completed; on the receiver it is the
/// place that the sink chose, already filled.
/// </summary>
/// <param name="header">What the segment is for.</param>
/// <param name="payload">The elements, little-endian; empty where the receiver's sink skipped the segment.</param>
public sealed class SegmentMessage(in SegmentHeader header, ReadOnlyMemory<byte> payload)
{
    private readonly SegmentHeader header = header;

    public ref readonly SegmentHeader Header => ref header;

    public ReadOnlyMemory<byte> Payload { get; } = payload;

    /// <summary>Whether the sink had no use for the payload.</summary>
    public bool Skipped { get; internal init; }
}
