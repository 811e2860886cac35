using VaeCluster.Protocol.Segments;

namespace VaeCluster.Protocol.Tests.Segments;

internal sealed class Sink(Func<SegmentHeader, int, SegmentPlace> place) : ISegmentSink
{
    public SegmentPlace PlaceFor(in SegmentHeader header, int payloadBytes) => place(header, payloadBytes);
}
