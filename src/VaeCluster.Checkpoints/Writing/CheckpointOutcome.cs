namespace VaeCluster.Checkpoints;

/// <summary>What became of a save, for metrics, logs and alerts.</summary>
/// <param name="Step">Of the snapshot.</param>
public abstract record CheckpointOutcome(long Step);

/// <summary>It is on the storage, and `latest` names it.</summary>
/// <param name="Step">Of the snapshot.</param>
/// <param name="Name">Its folder.</param>
/// <param name="Bytes">Of all files.</param>
/// <param name="Duration">From the snapshot to here, retries included.</param>
/// <param name="Attempts">1 where the first one succeeded.</param>
/// <param name="Removed">Checkpoints that retention removed, and leftovers of dead writers.</param>
/// <param name="Warning">Why retention or clearing could not do its work; the checkpoint is good nevertheless.</param>
public sealed record CheckpointSaved(
    long Step, string Name, long Bytes, TimeSpan Duration, int Attempts, IReadOnlyList<string> Removed, string? Warning) : CheckpointOutcome(Step);

/// <summary>The storage failed; it will be tried again.</summary>
public sealed record CheckpointAttemptFailed(long Step, int Attempt, string Message, Exception Error, TimeSpan RetryIn) : CheckpointOutcome(Step);

/// <summary>While it waited for the storage to come back, a newer snapshot took its place.</summary>
public sealed record CheckpointSuperseded(long Step, long ByStep) : CheckpointOutcome(Step);

/// <summary>The writer is fenced: somebody newer writes. It is not tried again.</summary>
public sealed record CheckpointRefused(long Step, string Reason) : CheckpointOutcome(Step);

/// <summary>The writer was closed before it was done.</summary>
public sealed record CheckpointAbandoned(long Step) : CheckpointOutcome(Step);
