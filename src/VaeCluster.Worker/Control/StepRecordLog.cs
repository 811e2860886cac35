using VaeCluster.Protocol.V1;

namespace VaeCluster.Worker.Control;

/// <summary>
/// Records of completed steps that the coordinator has not acknowledged. Every member keeps them; the writer sends them.
/// Thread-safe.
/// </summary>
/// <param name="time">Null for the system's clock.</param>
public sealed class StepRecordLog(TimeProvider? time = null)
{
    /// <summary>As the protocol says.</summary>
    private const int MostInAMessage = 1024;

    private readonly Lock gate = new();
    private readonly TimeProvider time = time ?? TimeProvider.System;
    private readonly LinkedList<StepRecord> records = new();

    /// <summary>The first record that was not sent on this stream; null when all were.</summary>
    private LinkedListNode<StepRecord>? unsent;

    /// <summary>When records were last sent, or acknowledged.</summary>
    private long lastProgress;

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
                lastProgress = time.GetTimestamp();
            }
        }
    }

    /// <summary>The coordinator may have refused records that came before it could take them: they are sent again after a while.</summary>
    public void RewindAfter(TimeSpan unacknowledged)
    {
        lock (gate)
        {
            if (records.First != unsent && time.GetElapsedTime(lastProgress) >= unacknowledged) unsent = records.First;
        }
    }

    /// <summary>Everything kept is sent again: on a new stream, or by a new writer.</summary>
    public void Rewind()
    {
        lock (gate) unsent = records.First;
    }

    /// <summary>Everything kept, whether it was sent or not.</summary>
    public StepRecords All()
    {
        lock (gate) return new StepRecords { Records = { records } };
    }

    /// <summary>The next message of records; null when all were sent.</summary>
    public StepRecords? TakeUnsent()
    {
        lock (gate)
        {
            if (unsent is null) return null;
            lastProgress = time.GetTimestamp();
            var message = new StepRecords { Oldest = unsent == records.First };
            for (; unsent is not null && message.Records.Count < MostInAMessage; unsent = unsent.Next) message.Records.Add(unsent.Value);
            return message;
        }
    }
}
