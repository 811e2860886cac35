using VaeCluster.Protocol.V1;

namespace VaeCluster.Worker.Control;

/// <summary>
/// What a worker has said, until the coordinator has certainly heard it. Streams keep the order, so the answer to a heartbeat
/// confirms all that was written before that heartbeat; what is not confirmed when a stream breaks is said again on the
/// next, and may so arrive twice. Thread-safe.
/// </summary>
internal sealed class PendingMessages(int most)
{
    private readonly Lock gate = new();
    private readonly LinkedList<Entry> entries = new();

    public int Count
    {
        get { lock (gate) return entries.Count; }
    }

    /// <summary>How many were dropped because nobody confirmed them.</summary>
    public long Dropped { get; private set; }

    public void Add(WorkerMessage message)
    {
        lock (gate)
        {
            if (entries.Count == most)
            {
                entries.RemoveFirst();
                Dropped++;
            }
            entries.AddLast(new Entry(message));
        }
    }

    /// <summary>The oldest that was not written on this stream; null when all were.</summary>
    /// <param name="afterHeartbeat">The last heartbeat written before it.</param>
    public WorkerMessage? TakeUnwritten(ulong afterHeartbeat)
    {
        lock (gate)
        {
            var entry = entries.FirstOrDefault(entry => entry.AfterHeartbeat is null);
            if (entry is null) return null;
            entry.AfterHeartbeat = afterHeartbeat;
            return entry.Message;
        }
    }

    public void Confirm(ulong heartbeat)
    {
        lock (gate)
        {
            while (entries.First is { Value.AfterHeartbeat: { } after } && after < heartbeat) entries.RemoveFirst();
        }
    }

    public void Rewind()
    {
        lock (gate)
        {
            foreach (var entry in entries) entry.AfterHeartbeat = null;
        }
    }

    private sealed class Entry(WorkerMessage message)
    {
        public WorkerMessage Message { get; } = message;

        public ulong? AfterHeartbeat { get; set; }
    }
}
