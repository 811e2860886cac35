namespace VaeCluster.Worker.State;

/// <summary>What is still to be fetched. Each source takes a range, and puts back what it could not bring.</summary>
internal sealed class StateRanges
{
    private readonly Lock gate = new();
    private readonly Stack<(long First, long End)> open = new();
    private readonly Action<double>? progress;
    private readonly long total;
    private long here;
    private int taken;
    private TaskCompletionSource changed = New();

    public StateRanges(long total, long rangeBytes, Action<double>? progress)
    {
        (this.total, this.progress) = (total, progress);
        // Halves at least, so that two sources have something to do; whole pieces, so that hashes are shared.
        var pieces = (total + StateSnapshot.PieceBytes - 1) / StateSnapshot.PieceBytes;
        var length = Math.Max(1, Math.Min(rangeBytes / StateSnapshot.PieceBytes, (pieces + 1) / 2)) * StateSnapshot.PieceBytes;
        for (var first = (total - 1) / length * length; first >= 0; first -= length) open.Push((first, Math.Min(first + length, total)));
    }

    public bool IsComplete
    {
        get { lock (gate) return here == total; }
    }

    /// <summary>The next range; null when all is here. Waits while others may yet put something back.</summary>
    public async Task<(long First, long End)?> TakeAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            Task wait;
            lock (gate)
            {
                if (open.TryPop(out var range))
                {
                    taken++;
                    return range;
                }
                if (taken == 0) return null;
                wait = changed.Task;
            }
            await wait.WaitAsync(cancellationToken).ConfigureAwait(false);
        }
    }

    public void Arrived(int bytes)
    {
        lock (gate) here += bytes;
        progress?.Invoke((double)Interlocked.Read(ref here) / total);
    }

    /// <summary>Done with a range, but for what is named.</summary>
    public void GiveBack(long first, long end)
    {
        lock (gate)
        {
            taken--;
            if (first < end) open.Push((first, end));
            changed.SetResult();
            changed = New();
        }
    }

    private static TaskCompletionSource New() => new(TaskCreationOptions.RunContinuationsAsynchronously);
}
