namespace VaeCluster.Checkpoints;

/// <summary>The checkpoints of a run: listed, verified, loaded, pruned. Trusts nothing that it has not hashed.</summary>
public sealed class CheckpointCatalog(ICheckpointStorage storage)
{
    /// <summary>All of them, newest first.</summary>
    public async Task<IReadOnlyList<CheckpointEntry>> ListAsync(CancellationToken cancellation = default)
    {
        var entries = new List<CheckpointEntry>();
        foreach (var name in await storage.ListAsync(cancellation)) entries.Add(await ReadEntryAsync(name, cancellation));
        return CheckpointEntry.NewestFirst(entries, await LatestAsync(cancellation));
    }

    /// <summary>What `latest` names, or null where it is missing or damaged.</summary>
    public async Task<LatestPointer?> LatestAsync(CancellationToken cancellation = default) =>
        await LatestFile.ReadAsync(storage, cancellation) is (_, var pointer) ? pointer : null;

    /// <summary>Reads every byte of it.</summary>
    /// <returns>A sentence for each file that is not what was written, naming it; none for a good checkpoint.</returns>
    public async Task<IReadOnlyList<string>> VerifyAsync(CheckpointEntry entry, CancellationToken cancellation = default)
    {
        if (entry.Record is null) return [entry.Problem!];
        var problems = new List<string>();
        foreach (var file in entry.Record.Files)
        {
            if (await CheckpointContent.ProblemAsync(storage, entry.Name, file, null, cancellation) is { } problem) problems.Add(problem);
        }
        return problems;
    }

    /// <summary>
    /// Loads the chosen one, or, where it is damaged, the next good one in the order of the choice: newest first, or best
    /// first. A step that was asked for by number is not replaced by another.
    /// </summary>
    /// <returns>Null where there is none at all.</returns>
    /// <exception cref="UserErrorException">There are some, but none that can be taken.</exception>
    public async Task<LoadedCheckpoint?> LoadAsync(CheckpointChoice choice, CancellationToken cancellation = default)
    {
        var all = await ListAsync(cancellation);
        var candidates = choice.IsBest ? CheckpointEntry.BestFirst(all)
            : choice.Step is { } step ? all.Where(entry => entry.Step == step).ToList()
            : all;
        if (candidates.Count == 0)
        {
            if (all.Count == 0 && choice is { IsBest: false, Step: null }) return null;
            throw NotThere(choice, all);
        }
        var latest = choice == CheckpointChoice.Latest ? await LatestProblemAsync(all, cancellation) : null;
        var problems = new List<string>();
        if (latest is not null) problems.Add(latest);
        // Damaged records can't be ordered. The newest ones by step are what should have been loaded, so they are named too.
        foreach (var entry in candidates.Where(entry => entry.Record is not null))
        {
            var (loaded, problem) = await TryLoadAsync(entry, cancellation);
            if (loaded is null)
            {
                problems.Add(problem!);
                continue;
            }
            problems.AddRange(candidates.Where(other => other.Record is null && other.Step >= entry.Step).Select(other => other.Problem!));
            if (problems.Count > 0) loaded.Warning = $"{storage.Location}: {string.Join("; ", problems)}. Loaded {entry.Name} instead.";
            return loaded;
        }
        problems.AddRange(candidates.Where(entry => entry.Record is null).Select(entry => entry.Problem!));
        throw new UserErrorException($"{storage.Location}: no checkpoint can be loaded: {string.Join("; ", problems)}. "
            + "Restore one from a backup, choose another with --resume, or begin a new run.");
    }

    /// <exception cref="UserErrorException">A checkpoint of this step is beyond the run's length.</exception>
    public static void ThrowIfBeyond(long step, long mostSteps)
    {
        if (step <= mostSteps) return;
        throw new UserErrorException($"The checkpoint is of step {step}, beyond the {mostSteps} steps of this run. "
            + "Give it more with --steps, or choose an earlier one with --resume.");
    }

    /// <summary>Lets `latest` name the chosen one: it is the newest from now on.</summary>
    /// <param name="choice">Which.</param>
    /// <param name="mostSteps">The run's length: a checkpoint beyond it is not taken.</param>
    /// <param name="owner">Above all that have written here.</param>
    /// <param name="cancellation">Gives it up.</param>
    /// <returns>Its step; null where there is none at all.</returns>
    /// <exception cref="UserErrorException">There are some, but none that can be taken.</exception>
    public async Task<long?> MakeLatestAsync(CheckpointChoice choice, long mostSteps, CheckpointOwner owner, CancellationToken cancellation = default)
    {
        using var loaded = await LoadAsync(choice, cancellation);
        if (loaded is null) return null;
        ThrowIfBeyond(loaded.Metadata.Step, mostSteps);
        return await LatestFile.MoveAsync(storage, loaded.Name, owner, cancellation) is { } refusal
            ? throw new UserErrorException($"{storage.Location}: {refusal}.") : loaded.Metadata.Step;
    }

    /// <summary>
    /// Removes what the options do not keep. Before anything goes, one of those that stay is read and verified, unless the
    /// caller names one that it has just written; with no good one among them nothing is removed.
    /// </summary>
    public async Task<PruneReport> PruneAsync(CheckpointOptions options, string? knownGood = null, CancellationToken cancellation = default)
    {
        var entries = await ListAsync(cancellation);
        var latest = await LatestAsync(cancellation);
        var decision = Retention.Decide(entries, options, latest?.Checkpoint);
        if (decision.Remove.Count == 0) return new PruneReport([], null);
        if (!decision.Keep.Any(entry => entry.Name == knownGood) && !await AnyGoodAsync(decision.Keep, cancellation))
            return new PruneReport([], $"{storage.Location}: nothing was removed, because none of the checkpoints to keep is good.");
        foreach (var entry in decision.Remove) await storage.DeleteAsync(entry.Name, cancellation);
        return new PruneReport(decision.Remove.Select(entry => entry.Name).ToList(), null);
    }

    internal async Task<CheckpointEntry> ReadEntryAsync(string name, CancellationToken cancellation)
    {
        var path = $"{name}/{CheckpointRecord.FileName}";
        try
        {
            var text = await storage.ReadAsync(path, CheckpointRecord.LongestText, cancellation);
            return text is null ? new CheckpointEntry(name, null, $"{path} is missing")
                : new CheckpointEntry(name, CheckpointRecord.FromBytes(text.Bytes), null);
        }
        catch (InvalidDataException e)
        {
            return new CheckpointEntry(name, null, $"{path} {e.Message}");
        }
    }

    private async Task<bool> AnyGoodAsync(IEnumerable<CheckpointEntry> entries, CancellationToken cancellation)
    {
        foreach (var entry in entries)
        {
            if ((await VerifyAsync(entry, cancellation)).Count == 0) return true;
        }
        return false;
    }

    private async Task<(LoadedCheckpoint? Loaded, string? Problem)> TryLoadAsync(CheckpointEntry entry, CancellationToken cancellation)
    {
        var content = new CheckpointContent(storage, entry);
        try
        {
            return (await content.OpenAsync(cancellation), null);
        }
        catch (InvalidDataException e)
        {
            return (null, e.Message);
        }
    }

    // What it names may be gone or it may be damaged; either way the order of the list decides.
    private async Task<string?> LatestProblemAsync(IReadOnlyList<CheckpointEntry> all, CancellationToken cancellation)
    {
        var (text, pointer) = await LatestFile.ReadAsync(storage, cancellation);
        if (text is not null && pointer is null) return $"{LatestPointer.FileName} is damaged";
        return pointer is null || all.Any(entry => entry.Name == pointer.Checkpoint)
            ? null : $"{LatestPointer.FileName} names {pointer.Checkpoint}, which is not there";
    }

    private UserErrorException NotThere(CheckpointChoice choice, IReadOnlyList<CheckpointEntry> all)
    {
        var what = choice.IsBest ? "no checkpoint has a validation loss" : $"there is no checkpoint of step {choice.Step}";
        var there = all.Count == 0 ? "there is none at all" : $"there are those of steps {string.Join(", ", all.Select(entry => entry.Step).Distinct().Order())}";
        return new UserErrorException($"{storage.Location}: {what}; {there}.");
    }
}
