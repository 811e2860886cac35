namespace VaeCluster.Protocol.Segments;

/// <summary>Numbers and limits of the segment message on the wire, as collective.proto has them.</summary>
public static class SegmentWire
{
    /// <summary>Longest id of a run, in bytes of UTF-8.</summary>
    public const int LongestRun = 256;

    internal const int Run = V1.Segment.RunFieldNumber;
    internal const int Generation = V1.Segment.GenerationFieldNumber;
    internal const int KnownGeneration = V1.Segment.KnownGenerationFieldNumber;
    internal const int Step = V1.Segment.StepFieldNumber;
    internal const int Bucket = V1.Segment.BucketFieldNumber;
    internal const int Chunk = V1.Segment.ChunkFieldNumber;
    internal const int Phase = V1.Segment.PhaseFieldNumber;
    internal const int Format = V1.Segment.FormatFieldNumber;
    internal const int Offset = V1.Segment.OffsetFieldNumber;
    internal const int FirstSlot = V1.Segment.FirstSlotFieldNumber;
    internal const int Slots = V1.Segment.SlotsFieldNumber;
    internal const int Sender = V1.Segment.SenderFieldNumber;
    internal const int Payload = V1.Segment.PayloadFieldNumber;
}
