namespace VaeCluster.Worker.State;

/// <summary>What became of a copy. Sources that fail are an outcome, not an exception.</summary>
/// <param name="Snapshot">The state; the asker disposes it. Null when no source could serve it whole.</param>
/// <param name="Reason">What went wrong on the way, by source, as sentences; empty when nothing did.</param>
public sealed record StateCopyResult(StateSnapshot? Snapshot, string Reason)
{
    public bool Succeeded => Snapshot is not null;
}
