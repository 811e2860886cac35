using System.Collections.Concurrent;
using System.Collections.Immutable;
using Microsoft.Extensions.Logging;
using VaeCluster.Collectives;

namespace VaeCluster.Worker.Links.Shared;

/// <summary>
/// What a process shares with members on the same host: its memory, the peers' that it has mapped, and the thread that waits for
/// their rings. gRPC streams carry offers and answers, and tell by breaking that a peer is lost; a ring lives as long as its stream.
/// <code>
/// sender                                     receiver
/// ring in its own memory, offer in the   ->  maps the sender's memory, looks for the token
/// stream's request                       &lt;-  answer in the response's headers; no answer: all goes by gRPC
/// maps the receiver's memory
/// entry into the ring, rings the bell    ->  sums or copies straight from the sender's memory, counts
/// withdraws: the nonce is gone           ->  looks at the nonce after it has read, and uses nothing that was withdrawn
/// </code>
/// </summary>
internal sealed class SharedLinks : IDisposable
{
    /// <summary>Woken without a bell after so long, which is for what should not happen.</summary>
    private static readonly TimeSpan LongestSleep = TimeSpan.FromMilliseconds(250);

    private readonly SharedArena arena;
    private readonly ILogger logger;
    private readonly ConcurrentDictionary<string, WeakReference<PeerArena>> peers = new();
    private readonly Lock gate = new();
    private readonly Func<bool> hasWork;
    private readonly Thread listener;
    private ImmutableArray<ReceiveRing> rings = [];
    private int saidWhyNot;
    private volatile bool stopping;

    private SharedLinks(SharedArena arena, ILogger logger)
    {
        (this.arena, this.logger) = (arena, logger);
        hasWork = HasWork;
        listener = new Thread(Listen) { IsBackground = true, Name = "shared links" };
        listener.Start();
    }

    /// <summary>Where buffers have to lie for peers to read them.</summary>
    public IFloatArena Arena => arena;

    /// <param name="bytes">The most that may be shared.</param>
    /// <param name="logger">Is told why something is not shared, once.</param>
    /// <returns>Null where this machine gives no such memory: everything goes by gRPC.</returns>
    public static SharedLinks? TryCreate(long bytes, ILogger logger)
    {
        try
        {
            return new(new SharedArena(bytes, reason => LinkLog.NotShared(logger, reason)), logger);
        }
        catch (IOException exception)
        {
            LinkLog.NotShared(logger, exception.Message);
            return null;
        }
    }

    /// <returns>A ring to be offered to a peer; null where there is no room for one.</returns>
    public SendRing? Offer() => SendRing.TryCreate(arena);

    /// <summary>The peer's answer to an offer.</summary>
    public bool TryOpen(SendRing ring, RingAnswer answer, string peer) => Find(answer.Arena, peer) is { } memory && ring.TryOpen(answer, memory);

    /// <summary>Takes up a peer's offer: from now on its ring is read, until <see cref="Close"/>.</summary>
    /// <returns>Null where it can't be: what comes, comes by gRPC.</returns>
    public ReceiveRing? TryAccept(RingOffer offer, StreamIdentity stream, Exchange exchange, Action<string> fail)
    {
        if (Find(offer.Arena, stream.WorkerId) is not { } memory) return null;
        try
        {
            var ring = new ReceiveRing(memory, offer, arena, stream, exchange, fail);
            lock (gate) rings = rings.Add(ring);
            return ring;
        }
        catch (IOException exception)
        {
            SayWhyNot(stream.WorkerId, exception.Message);
            return null;
        }
    }

    public void Close(ReceiveRing ring)
    {
        ring.Close();
        lock (gate) rings = rings.Remove(ring);
    }

    /// <summary>
    /// Plans were left: peers' memory that nothing here reads any more is to be unmapped now, for one that is gone has left all of
    /// it to those who have it mapped. It goes with its last reader, which only the collector knows.
    /// </summary>
    public void LetGo()
    {
        var used = rings.Select(ring => ring.Sender).ToHashSet();
        if (peers.Values.Any(known => known.TryGetTarget(out var mapped) && !used.Contains(mapped))) GC.Collect(GC.MaxGeneration, GCCollectionMode.Forced, blocking: false);
    }

    /// <summary>The links have ended.</summary>
    public void Dispose()
    {
        if (stopping) return;
        stopping = true;
        arena.Bell.Ring();
        listener.Join();
        arena.Dispose();
    }

    private void Listen()
    {
        while (!stopping)
        {
            var read = arena.Bell.Count;
            if (!TakeAll()) arena.Bell.Sleep(read, hasWork, LongestSleep);
        }
    }

    private bool TakeAll()
    {
        var any = false;
        foreach (var ring in rings) any |= ring.TryTake();
        return any;
    }

    private bool HasWork()
    {
        foreach (var ring in rings)
        {
            if (ring.HasWork) return true;
        }
        return stopping;
    }

    private PeerArena? Find(ArenaAddress address, string peer)
    {
        if (peers.TryGetValue(address.Key, out var known) && known.TryGetTarget(out var mapped)) return mapped;
        try
        {
            var memory = new PeerArena(address);
            peers[address.Key] = new(memory);
            foreach (var (key, gone) in peers)
            {
                if (!gone.TryGetTarget(out _)) peers.TryRemove(KeyValuePair.Create(key, gone));
            }
            return memory;
        }
        catch (IOException exception)
        {
            SayWhyNot(peer, exception.Message);
            return null;
        }
    }

    private void SayWhyNot(string peer, string reason)
    {
        if (Interlocked.Exchange(ref saidWhyNot, 1) == 0) LinkLog.NotSharedWith(logger, peer, reason);
    }
}
