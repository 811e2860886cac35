using VaeCluster.Collectives;
using Wire = VaeCluster.Protocol.Segments;

namespace VaeCluster.Worker.Links;

/// <summary>The exchange's header and that of the wire, field by field.</summary>
internal static class SegmentMapping
{
    public static Wire.SegmentHeader ToWire(in SegmentHeader header) => new()
    {
        Run = header.Run,
        Generation = new(header.Generation.Term, header.Generation.Number),
        KnownGeneration = new(header.Held.Term, header.Held.Number),
        Step = header.Step,
        Bucket = header.Bucket,
        Chunk = header.Chunk,
        Phase = (Protocol.V1.Phase)header.Phase,
        Format = (Protocol.V1.WireFormat)header.Format,
        Offset = header.Offset,
        FirstSlot = header.FirstSlot,
        Slots = header.Slots,
        Sender = header.Sender,
    };

    public static SegmentHeader FromWire(in Wire.SegmentHeader header) => new()
    {
        Run = header.Run,
        Generation = new(header.Generation.Term, header.Generation.Number),
        Held = new(header.KnownGeneration.Term, header.KnownGeneration.Number),
        Step = header.Step,
        Bucket = header.Bucket,
        Chunk = header.Chunk,
        Phase = (SegmentPhase)header.Phase,
        Format = (WireFormat)header.Format,
        Offset = header.Offset,
        FirstSlot = header.FirstSlot,
        Slots = header.Slots,
        Sender = header.Sender,
    };
}
