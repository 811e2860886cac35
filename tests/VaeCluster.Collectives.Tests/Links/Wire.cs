namespace VaeCluster.Collectives.Tests;

/// <summary>
/// A network in memory: threads that take segments from what is pending in a random (seeded) order, across links and within
/// them, and pause for random moments on the way.
/// </summary>
internal sealed class Wire : IDisposable
{
    private readonly object gate = new();
    private readonly List<Pending> pending = new(1024);
    private readonly Thread[] threads;
    private readonly bool shuffles;
    private bool disposed;

    public Wire(int seed, int threads = 2, bool shuffles = true)
    {
        this.shuffles = shuffles;
        this.threads = [.. Enumerable.Range(0, threads).Select(i => new Thread(() => Deliver(new Random(seed + i))) { IsBackground = true })];
        foreach (var thread in this.threads) thread.Start();
    }

    /// <summary>What went wrong while segments were delivered.</summary>
    public Exception? Fault { get; private set; }

    public WireLink Link(Exchange peer) => new(this, peer);

    public void Dispose()
    {
        lock (gate)
        {
            disposed = true;
            Monitor.PulseAll(gate);
        }
        foreach (var thread in threads) Assert.True(thread.Join(TimeSpan.FromSeconds(30)), "A thread of the wire has not ended.");
    }

    private void Deliver(Random random)
    {
        while (true)
        {
            Pending next;
            lock (gate)
            {
                var at = -1;
                while (!disposed && (at = Pick(random)) < 0) Monitor.Wait(gate);
                if (disposed) return;
                next = pending[at];
                if (shuffles) pending[at] = pending[^1];
                pending.RemoveAt(shuffles ? pending.Count - 1 : at);
                next.Link.Copying.Add((long)next.Header.Step);
            }
            if (shuffles && random.Next(4) == 0) Thread.SpinWait(random.Next(2000));
            if (shuffles && random.Next(8) == 0) Thread.Yield();
            try
            {
                var landing = next.Link.Peer.Resolve(next.Header, next.Payload.Length);
                if (landing.Refused) throw new InvalidOperationException($"{landing.Refusal}: {next.Header}");
                if (landing.Lands) next.Payload.CopyTo(landing.Destination);
                Copied(next);
                if (landing.Lands) next.Link.Peer.Received(next.Header);
            }
            catch (Exception exception)
            {
                Fault = exception;
                Copied(next);
            }
        }
    }

    private int Pick(Random random)
    {
        if (pending.Count == 0) return -1;
        var start = shuffles ? random.Next(pending.Count) : 0;
        for (var i = 0; i < pending.Count; i++)
        {
            var at = (start + i) % pending.Count;
            if (!pending[at].Link.Paused) return at;
        }
        return -1;
    }

    private void Copied(Pending segment)
    {
        lock (gate)
        {
            segment.Link.Copying.Remove((long)segment.Header.Step);
            Monitor.PulseAll(gate);
        }
    }

    private readonly record struct Pending(WireLink Link, SegmentHeader Header, ReadOnlyMemory<byte> Payload);

    internal sealed class WireLink(Wire wire, Exchange peer) : ISegmentLink
    {
        public Exchange Peer => peer;

        public List<long> Copying { get; } = [];

        public bool Paused { get; private set; }

        public void Pause(bool paused)
        {
            lock (wire.gate)
            {
                Paused = paused;
                Monitor.PulseAll(wire.gate);
            }
        }

        public void Push(in SegmentHeader header, ReadOnlyMemory<byte> payload)
        {
            lock (wire.gate)
            {
                wire.pending.Add(new(this, header, payload));
                Monitor.PulseAll(wire.gate);
            }
        }

        public void Drop()
        {
            lock (wire.gate)
            {
                wire.pending.RemoveAll(segment => segment.Link == this);
                Monitor.PulseAll(wire.gate);
                while (Copying.Count > 0) Monitor.Wait(wire.gate);
            }
        }

        /// <summary>Unless it is paused, it gets the time it needs: which segment is taken next is a matter of chance here.</summary>
        public bool TryRelease(long step)
        {
            lock (wire.gate)
            {
                while (!Paused && !wire.disposed && IsQueued(step)) Monitor.Wait(wire.gate);
                return !IsQueued(step);
            }
        }

        private bool IsQueued(long step) =>
            Copying.Exists(copied => copied <= step) || wire.pending.Exists(segment => segment.Link == this && segment.Header.Step <= (ulong)Math.Max(step, -1) && step >= 0);
    }
}
