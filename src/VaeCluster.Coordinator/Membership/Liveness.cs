namespace VaeCluster.Coordinator.Membership;

/// <summary>Who counts as lost, and why. Pure.</summary>
public static class Liveness
{
    /// <summary>Why a worker can't be a member now, as the rest of a sentence after its name; null for one that can.</summary>
    public static string? WhyNot(RunSnapshot run, string worker, TimeSpan now, LeaseOptions options)
    {
        ArgumentNullException.ThrowIfNull(run);
        return run.Find(worker) is { } known ? WhyNot(run, known, now, options) : "is gone";
    }

    /// <inheritdoc cref="WhyNot(RunSnapshot, string, TimeSpan, LeaseOptions)"/>
    public static string? WhyNot(RunSnapshot run, WorkerSnapshot known, TimeSpan now, LeaseOptions options)
    {
        ArgumentNullException.ThrowIfNull(run);
        ArgumentNullException.ThrowIfNull(known);
        ArgumentNullException.ThrowIfNull(options);
        if (known.Out is { } exclusion && !(exclusion.Until <= now)) return exclusion.Reason;
        if (known.Stream is null)
        {
            // A stream may break while its worker is well. A peer that lost it too leaves no doubt.
            if (run.Reports.Any(report => report.Lost == known.Id)) return "lost its stream and was reported by a peer";
            return now - known.LastHeard >= options.ReconnectTime ? "lost its stream" : null;
        }
        var lease = known.Lease.Length(options);
        return now - known.LastHeard > lease ? $"was silent for more than {lease.TotalSeconds:0.0} s" : null;
    }

    public static bool IsAlive(RunSnapshot run, string worker, TimeSpan now, LeaseOptions options) =>
        WhyNot(run, worker, now, options) is null;
}
