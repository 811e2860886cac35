using System.Runtime.InteropServices;
using System.Security.Cryptography;
using VaeCluster.Collectives;

namespace VaeCluster.Worker.Links.Shared;

/// <summary>
/// The segments that one link has for its peer: they are named, not copied, and the peer reads them where they lie. Open once
/// the peer has answered that it has found the ring. Guarded by the link's lock.
/// </summary>
internal sealed unsafe class SendRing
{
    private readonly SharedArena arena;
    private readonly ulong nonce = BitConverter.ToUInt64(RandomNumberGenerator.GetBytes(sizeof(ulong))) | 1;
    private byte* start;
    private PeerArena? peer;
    private long taken;
    private ulong published;

    private SendRing(SharedArena arena, nint start)
    {
        this.arena = arena;
        this.start = (byte*)start;
    }

    /// <summary>What was named so far, in bytes.</summary>
    public long BytesSent { get; private set; }

    public bool IsOpen => peer is not null && start != null;

    public RingOffer Offer => new(ArenaAddress.Of(arena), start - arena.At(0), nonce);

    private ulong Taken => Math.Min(published, Volatile.Read(ref *(ulong*)peer!.At(taken)));

    /// <returns>Null where the memory has no room for it.</returns>
    public static SendRing? TryCreate(SharedArena arena)
    {
        var start = arena.TryAllocate(RingLayout.Bytes);
        if (start == 0) return null;
        var ring = new SendRing(arena, start);
        Volatile.Write(ref *(ulong*)ring.start, ring.nonce);
        return ring;
    }

    /// <summary>The peer has the ring: from now on segments are named to it.</summary>
    /// <returns>False where the answer names nothing that is there.</returns>
    public bool TryOpen(RingAnswer answer, PeerArena memory)
    {
        if (start == null || answer.Taken % sizeof(ulong) != 0 || !memory.Holds(answer.Taken, sizeof(ulong))) return false;
        (taken, peer) = (answer.Taken, memory);
        return true;
    }

    /// <returns>False when it has to go another way: it does not lie in the shared memory, or the ring is full or withdrawn.</returns>
    public bool TryPush(in SegmentHeader header, ReadOnlyMemory<byte> payload)
    {
        if (!IsOpen || published - Taken >= RingLayout.Capacity) return false;
        var offset = (long)SharedArena.TokenOffset;
        if (!payload.IsEmpty)
        {
            if (!MemoryMarshal.TryGetMemoryManager<byte, FloatMemory>(payload, out var memory, out var from, out var length)) return false;
            offset = arena.OffsetOf(memory.Address + from, length);
            if (offset < 0) return false;
        }
        *Entry(published) = RingEntry.Of(header, offset, payload.Length);
        Volatile.Write(ref *(ulong*)(start + RingLayout.Published), ++published);
        BytesSent += payload.Length;
        return true;
    }

    /// <summary>After pushes, without the lock.</summary>
    public void Ring() => peer?.Bell.Ring();

    /// <summary>Whether the peer has taken all of this step and those before it.</summary>
    public bool HasTaken(long step)
    {
        if (!IsOpen) return true;
        for (var at = Taken; at < published; at++)
        {
            if ((long)Entry(at)->Step <= step) return false;
        }
        return true;
    }

    /// <summary>
    /// Takes back what was named: whatever the peer has not used yet, it will not use, even where it is reading at this moment.
    /// Nothing can be pushed any more. Does not wait.
    /// </summary>
    public void Withdraw()
    {
        if (start == null) return;
        Volatile.Write(ref *(ulong*)start, 0);
        // Before anything that is written to the payloads from now on.
        Interlocked.MemoryBarrier();
        arena.Free((nint)start, RingLayout.Bytes);
        start = null;
    }

    private RingEntry* Entry(ulong number) => (RingEntry*)(start + RingLayout.Entries) + number % RingLayout.Capacity;
}
