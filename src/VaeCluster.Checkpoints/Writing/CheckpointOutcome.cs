namespace VaeCluster.Checkpoints;

/// <summary>What became of a save, for metrics, logs and alerts.</summary>
/// <param name="Step">Of the snapshot.</param>
public abstract record CheckpointOutcome(long Step)
{
    /// <summary>For a log: what happened, where, and what is done about it.</summary>
    public abstract string Sentence { get; }

    /// <summary>Somebody should look at it.</summary>
    public virtual bool IsWarning => true;
}

/// <summary>It is on the storage, and `latest` names it.</summary>
/// <param name="Step">Of the snapshot.</param>
/// <param name="Name">Its folder.</param>
/// <param name="Bytes">Of all files.</param>
/// <param name="Duration">From the snapshot to here, retries included.</param>
/// <param name="Attempts">1 where the first one succeeded.</param>
/// <param name="Removed">Checkpoints that retention removed, and leftovers of dead writers.</param>
/// <param name="Warning">Why retention or clearing could not do its work; the checkpoint is good nevertheless.</param>
public sealed record CheckpointSaved(
    long Step, string Name, long Bytes, TimeSpan Duration, int Attempts, IReadOnlyList<string> Removed, string? Warning) : CheckpointOutcome(Step)
{
    public override string Sentence => $"checkpoint {Name} saved{(Warning is null ? "" : $"; {Warning}")}";

    public override bool IsWarning => Warning is not null;
}

/// <summary>The storage failed; it will be tried again.</summary>
public sealed record CheckpointAttemptFailed(long Step, int Attempt, string Message, Exception Error, TimeSpan RetryIn) : CheckpointOutcome(Step)
{
    public override string Sentence => $"the checkpoint of step {Step} could not be saved, tried again in {RetryIn.TotalSeconds:F0} s: {Message}";
}

/// <summary>While it waited for the storage to come back, a newer snapshot took its place.</summary>
public sealed record CheckpointSuperseded(long Step, long ByStep) : CheckpointOutcome(Step)
{
    public override string Sentence => $"the checkpoint of step {Step} is given up for that of step {ByStep}";
}

/// <summary>The writer is fenced: somebody newer writes. It is not tried again.</summary>
public sealed record CheckpointRefused(long Step, string Reason) : CheckpointOutcome(Step)
{
    public override string Sentence => $"the checkpoint of step {Step} is not saved: {Reason}";
}

/// <summary>The writer was closed before it was done.</summary>
public sealed record CheckpointAbandoned(long Step) : CheckpointOutcome(Step)
{
    public override string Sentence => $"the checkpoint of step {Step} was not saved before the end";
}

/// <summary>The state was loaded from one.</summary>
/// <param name="Step">Of the checkpoint.</param>
/// <param name="Name">Its folder.</param>
/// <param name="Location">Of the storage.</param>
/// <param name="Changes">Settings that differ from those it was saved under, and may.</param>
/// <param name="Warning">Why it is not the one that was asked for; names each damaged file.</param>
public sealed record CheckpointRestored(
    long Step, string Name, string Location, IReadOnlyList<string> Changes, string? Warning) : CheckpointOutcome(Step)
{
    public override string Sentence =>
        $"{(Warning is null ? "" : $"{Warning} ")}Resumed after step {Step} from {Location}/{Name}"
        + (Changes.Count == 0 ? "" : $", with {string.Join(", ", Changes)}");

    public override bool IsWarning => Warning is not null;
}
