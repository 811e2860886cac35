namespace VaeCluster.Collectives;

/// <summary>
/// The way to one peer under one plan: gRPC, shared memory, or a queue. What arrives at the other end goes to that
/// member's <see cref="Exchange.Resolve"/>, and then to <see cref="Exchange.Received"/> or <see cref="Exchange.Abandoned"/>, or to
/// <see cref="Exchange.Take"/>.
/// Segments may overtake each other, none may be doubled; one that gets lost is a lost peer, which the link reports to its
/// host, and the host ends the exchange.
/// </summary>
public interface ISegmentLink
{
    /// <summary>
    /// Takes a segment to be sent. Called on the training thread and on receiving threads, several at once. Does not block
    /// and does not throw: the link queues, and the number of segments in a step bounds the queue. The payload may be
    /// empty. Its memory keeps its contents until the step has ended: when it completed here, or until <see cref="Drop"/>
    /// has returned; to a spare until <see cref="TryRelease"/> has returned true.
    /// </summary>
    void Push(in SegmentHeader header, ReadOnlyMemory<byte> payload);

    /// <summary>
    /// Forgets what is queued. When it returns, no payload pushed so far is read any more; that waits for the one being
    /// copied at this moment at most, well below a millisecond. The link itself may live on.
    /// </summary>
    void Drop();

    /// <summary>
    /// Whether all payloads pushed for this step and those before it have been read, never to be read again. Asked about
    /// spares only, for nobody waits for them: one that has more steps to take in than the exchange queues is left behind.
    /// </summary>
    bool TryRelease(long step);
}
