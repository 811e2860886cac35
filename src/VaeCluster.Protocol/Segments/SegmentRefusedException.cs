namespace VaeCluster.Protocol.Segments;

/// <summary>A sink refused a segment; its message says why.</summary>
internal sealed class SegmentRefusedException(string reason) : Exception(reason);
