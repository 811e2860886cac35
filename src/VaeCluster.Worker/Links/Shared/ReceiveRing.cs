using VaeCluster.Collectives;

namespace VaeCluster.Worker.Links.Shared;

/// <summary>
/// A peer's ring under one stream, as it is read here. Whoever looks for work takes what is there; one thread at a time.
/// Nothing that the peer writes is trusted: an entry is judged like a segment from the network.
/// </summary>
internal sealed unsafe class ReceiveRing : IPeerMemory
{
    private readonly PeerArena peer;
    private readonly RingOffer offer;
    private readonly StreamIdentity stream;
    private readonly Exchange exchange;
    private readonly Action<string> fail;

    /// <summary>In our own memory: how many entries were taken, for the peer to see.</summary>
    private readonly SharedArena arena;
    private readonly nint taken;
    private ulong next;
    private int reading;
    private volatile bool closed;

    /// <param name="peer">The sender's memory.</param>
    /// <param name="offer">Its ring.</param>
    /// <param name="arena">Our own memory.</param>
    /// <param name="stream">Whose ring it is.</param>
    /// <param name="exchange">Where segments go.</param>
    /// <param name="fail">Ends the stream with a reason: what was in the ring was no segment for us.</param>
    /// <exception cref="IOException">The offer names no ring, or there is no room for the count.</exception>
    public ReceiveRing(PeerArena peer, RingOffer offer, SharedArena arena, StreamIdentity stream, Exchange exchange, Action<string> fail)
    {
        (this.peer, this.offer, this.arena, this.stream, this.exchange, this.fail) = (peer, offer, arena, stream, exchange, fail);
        if (offer.Offset % Libc.PageBytes != 0 || !peer.Holds(offer.Offset, RingLayout.Bytes) || IsWithdrawn) throw new IOException("There is no ring.");
        taken = arena.TryAllocate(sizeof(ulong));
        if (taken == 0) throw new IOException("There is no room for the count.");
    }

    ~ReceiveRing()
    {
        if (taken != 0) arena.Free(taken, sizeof(ulong));
    }

    /// <summary>What the ring lies in.</summary>
    public PeerArena Sender => peer;

    public RingAnswer Answer => new(ArenaAddress.Of(arena), taken - (nint)arena.At(0));

    /// <inheritdoc/>
    public bool IsWithdrawn
    {
        get
        {
            // What was read before may not be read after this.
            Interlocked.MemoryBarrier();
            return Volatile.Read(ref *(ulong*)peer.At(offer.Offset)) != offer.Nonce;
        }
    }

    public bool HasWork => !closed && Published != next;

    private ulong Published => Volatile.Read(ref *(ulong*)(peer.At(offer.Offset) + RingLayout.Published));

    /// <summary>Takes what is there, unless another thread is at it.</summary>
    /// <returns>Whether anything was.</returns>
    public bool TryTake()
    {
        if (!HasWork || Interlocked.Exchange(ref reading, 1) != 0) return false;
        try
        {
            var any = false;
            while (!closed && Published is var published && published != next)
            {
                var entry = *((RingEntry*)(peer.At(offer.Offset) + RingLayout.Entries) + next % RingLayout.Capacity);
                if (IsWithdrawn)
                {
                    closed = true;
                    break;
                }
                if (published - next > RingLayout.Capacity || !peer.Holds(entry.Payload, entry.PayloadBytes) || entry.Payload % sizeof(ushort) != 0)
                {
                    Fail("An entry of its ring names nothing that is there.");
                    break;
                }
                var header = entry.ToHeader(stream);
                var refusal = exchange.Take(in header, (nint)peer.At(entry.Payload), entry.PayloadBytes, this);
                if (refusal is not (Refusal.None or Refusal.Late or Refusal.QueueFull))
                {
                    Fail($"{refusal}: step {header.Step}, bucket {header.Bucket}, chunk {header.Chunk}, {header.Phase}, offset {header.Offset}, "
                        + $"{entry.PayloadBytes} bytes, slots {header.FirstSlot}+{header.Slots}, plan {header.Generation}.");
                    break;
                }
                Volatile.Write(ref *(ulong*)taken, ++next);
                any = true;
            }
            return any;
        }
        finally
        {
            Volatile.Write(ref reading, 0);
        }
    }

    /// <summary>The stream has ended in order: takes what its sender had put in before.</summary>
    public void TakeRest()
    {
        var spin = new SpinWait();
        while (HasWork && !TryTake()) spin.SpinOnce();
    }

    /// <summary>Nothing is taken any more, but for what is being taken at this moment.</summary>
    public void Close() => closed = true;

    private void Fail(string reason)
    {
        closed = true;
        fail(reason);
    }
}
