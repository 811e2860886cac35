using VaeCluster.Protocol.V1;

namespace VaeCluster.Worker.Control;

/// <summary>
/// Records of completed steps that the coordinator has not acknowledged. Every member keeps them; the writer sends them.
/// Thread-safe.
/// </summary>
public sealed class StepRecordLog
{
    /// <summary>As the protocol says.</summary>
    private const int MostInAMessage = 1024;

    private readonly Lock gate = new();
    private readonly LinkedList<StepRecord> records = new();

    /// <summary>The first record that was not sent on this stream; null when all were.</summary>
    private LinkedListNode<StepRecord>? unsent;

    public int Count
    {
        get { lock (gate) return records.Count; }
    }

    /// <summary>Step after step. One that was done again (from a restored state) replaces what came from it.</summary>
    public void Add(StepRecord record)
    {
        ArgumentNullException.ThrowIfNull(record);
        lock (gate)
        {
            while (records.Last is { } last && last.Value.Step >= record.Step)
            {
                if (unsent == last) unsent = null;
                records.RemoveLast();
            }
            var added = records.AddLast(record);
            unsent ??= added;
        }
    }

    public void AcknowledgeBefore(ulong step)
    {
        lock (gate)
        {
            while (records.First is { } first && first.Value.Step < step)
            {
                if (unsent == first) unsent = first.Next;
                records.RemoveFirst();
            }
        }
    }

    /// <summary>Everything kept is sent again: on a new stream, or by a new writer.</summary>
    public void Rewind()
    {
        lock (gate) unsent = records.First;
    }

    /// <summary>The next message of records; null when all were sent.</summary>
    public StepRecords? TakeUnsent()
    {
        lock (gate)
        {
            if (unsent is null) return null;
            var message = new StepRecords();
            for (; unsent is not null && message.Records.Count < MostInAMessage; unsent = unsent.Next) message.Records.Add(unsent.Value);
            return message;
        }
    }
}
