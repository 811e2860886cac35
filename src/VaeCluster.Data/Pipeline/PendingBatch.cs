using VaeCluster.Data.Order;

namespace VaeCluster.Data.Pipeline;

/// <summary>A slot's batch while it is filled. Its fields are guarded by the pipeline's lock.</summary>
internal sealed class PendingBatch(long step, int slot, int count, SampleOrder order, long offset, nint memory)
{
    public long Step { get; } = step;

    public int Slot { get; } = slot;

    public int Count { get; } = count;

    public SampleOrder Order { get; } = order;

    /// <summary>Where in the epoch the slot's first sample is.</summary>
    public long Offset { get; } = offset;

    public nint Memory { get; } = memory;

    /// <summary>Images handed to threads, and images done.</summary>
    public int Claimed { get; set; }

    public int Done { get; set; }

    /// <summary>Takers that wait for it.</summary>
    public int Waiting { get; set; }

    /// <summary>Nobody wants it any more; the last thread that works on it returns the memory.</summary>
    public bool Dropped { get; set; }

    public Exception? Failure { get; set; }

    /// <summary>All images are there, or one of them failed and no thread works on the others.</summary>
    public bool Complete => Done == Claimed && (Failure is not null || Claimed == Count);

    /// <summary>Set when <see cref="Complete"/>.</summary>
    public ManualResetEventSlim Ready { get; } = new();
}
