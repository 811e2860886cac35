namespace VaeCluster.Checkpoints;

/// <summary>
/// One attempt to bring a snapshot to the storage: 1 be allowed to, 2 clear away what the dead left, 3 find a free name,
/// 4 write the files, 5 commit, 6 move `latest`, 7 prune. Fails by an exception; a later attempt begins anew.
/// </summary>
internal sealed class CheckpointAttempt(
    ICheckpointStorage storage, CheckpointOptions options, CheckpointMetadata metadata, IReadOnlyList<SnapshotFile> files,
    IReadOnlyDictionary<string, string> hashes, TimeProvider time)
{
    private const int MostCopies = 1000;

    private readonly CheckpointCatalog _catalog = new(storage);
    private readonly CheckpointOwner _owner = metadata.Writer;

    /// <returns>The name, or the reason why the owner may not write.</returns>
    public async Task<(string? Name, string? Refusal, IReadOnlyList<string> Removed, string? Warning)> RunAsync(CancellationToken cancellation)
    {
        // 1
        var (_, latest) = await LatestFile.ReadAsync(storage, cancellation);
        if (LatestFile.RefusalOf(_owner, latest?.Writer) is { } fenced) return (null, fenced, [], null);
        // 2
        var (removed, warning) = await TryAsync(() => storage.ClearLeftoversAsync(_owner, cancellation));
        // 3 to 5
        var (name, refusal) = await WriteAsync(cancellation);
        if (name is null) return (null, refusal, removed, warning);
        // 6
        refusal = await LatestFile.MoveAsync(storage, name, _owner, cancellation);
        if (refusal is not null) return (null, refusal, removed, warning);
        // 7
        var (pruned, trouble) = await TryAsync(async () =>
        {
            var report = await _catalog.PruneAsync(options, name, cancellation);
            warning ??= report.Warning;
            return report.Removed;
        });
        return (name, null, [.. removed, .. pruned], warning ?? trouble);
    }

    private async Task<(string? Name, string? Refusal)> WriteAsync(CancellationToken cancellation)
    {
        for (var copy = 1; copy <= MostCopies; copy++)
        {
            var name = CheckpointName.Of(metadata.Step, copy);
            var present = await storage.ListAsync(cancellation);
            if (!present.Contains(name) && await TryWriteAsync(name, cancellation)) return (name, null);
            // The name is taken. By what?
            var entry = await _catalog.ReadEntryAsync(name, cancellation);
            if (entry.Record is null) continue;
            if (LatestFile.RefusalOf(_owner, entry.Record.Metadata.Writer) is { } refusal) return (null, $"{refusal} ({name})");
            if (SameContent(entry.Record) && (await _catalog.VerifyAsync(entry, cancellation)).Count == 0) return (name, null);
        }
        throw new IOException($"{storage.Location}: there are {MostCopies} damaged or outdated checkpoints of step {metadata.Step}; remove them");
    }

    private async Task<bool> TryWriteAsync(string name, CancellationToken cancellation)
    {
        await using var staged = await storage.StageAsync(name, _owner, cancellation);
        var written = new List<CheckpointFile>();
        foreach (var file in files)
        {
            var path = await staged.WriteAsync(file, cancellation);
            written.Add(new CheckpointFile(file.Name, path, file.Length, hashes[file.Name]));
        }
        var record = new CheckpointRecord(time.GetUtcNow(), metadata, written);
        return await staged.TryCommitAsync(record.ToBytes(), cancellation);
    }

    private bool SameContent(CheckpointRecord other) =>
        other.Files.Count == files.Count && other.Metadata.ConfigIdentity == metadata.ConfigIdentity
        && other.Files.All(file => hashes.GetValueOrDefault(file.Name) == file.Sha256);

    // Housekeeping must not fail a save.
    private async Task<(IReadOnlyList<string> Result, string? Warning)> TryAsync(Func<Task<IReadOnlyList<string>>> work)
    {
        try
        {
            return (await work(), null);
        }
        catch (Exception e) when (StorageFailure.Is(e) && e is not OperationCanceledException)
        {
            return ([], StorageFailure.Describe(storage, e));
        }
    }
}
