namespace VaeCluster.Collectives.Tests;

/// <summary>Delivers within Push: a whole cluster on one thread, in an order that does not vary.</summary>
internal sealed class DirectLink(Exchange peer) : ISegmentLink
{
    public void Push(in SegmentHeader header, ReadOnlyMemory<byte> payload)
    {
        var landing = peer.Resolve(header, payload.Length);
        if (landing.Refused) throw new InvalidOperationException($"{landing.Refusal}: {header}");
        if (!landing.Lands) return;
        payload.CopyTo(landing.Destination);
        peer.Received(header);
    }

    public void Drop()
    {
        // Nothing is ever queued.
    }

    public bool TryRelease(long step) => true;
}
