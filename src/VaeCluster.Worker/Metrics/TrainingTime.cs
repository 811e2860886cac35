using System.Diagnostics;

namespace VaeCluster.Worker.Metrics;

/// <summary>What the training thread's time went into.</summary>
internal enum TimePart
{
    /// <summary>Steps that changed the state.</summary>
    Step,

    /// <summary>Steps that were given up, or whose gradient was not finite.</summary>
    Lost,

    Validation,

    /// <summary>Between two rounds: copies of the state for checkpoints and for members that join, hashes, pictures, the last save.</summary>
    Save,

    /// <summary>Loading, without a plan or slots, or copying the state.</summary>
    Wait,
}

/// <summary>The training thread's time without a gap, from when this is made: what was since the last call went into the part that is named.</summary>
internal sealed class TrainingTime(WorkerMetrics metrics)
{
    private long since = Stopwatch.GetTimestamp();

    public void WentInto(TimePart part)
    {
        var now = Stopwatch.GetTimestamp();
        metrics.Time(part, Stopwatch.GetElapsedTime(since, now));
        since = now;
    }
}
