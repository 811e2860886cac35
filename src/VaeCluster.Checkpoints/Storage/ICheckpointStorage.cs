namespace VaeCluster.Checkpoints;

/// <summary>
/// A place for the checkpoints of one run. A checkpoint is there as a whole or not at all: it is staged where no list shows
/// it and then committed under its name. What the storage can't do now comes as an exception; the caller tries again.
/// </summary>
public interface ICheckpointStorage : IDisposable
{
    /// <summary>For messages.</summary>
    string Location { get; }

    /// <summary>The names of the committed checkpoints, in no order.</summary>
    Task<IReadOnlyList<string>> ListAsync(CancellationToken cancellation = default);

    /// <summary>A small file as a whole, relative to the place; null where there is none.</summary>
    /// <exception cref="InvalidDataException">It is longer than the limit.</exception>
    Task<StoredText?> ReadAsync(string path, int limit, CancellationToken cancellation = default);

    /// <summary>A file of any size, to read from its start; null where there is none.</summary>
    Task<Stream?> OpenAsync(string path, CancellationToken cancellation = default);

    /// <summary>Where the file lies on a disk of this machine, to be mapped; null where it does not.</summary>
    string? LocalPath(string path);

    /// <summary>Begins a checkpoint; not yet under its name.</summary>
    Task<IStagedCheckpoint> StageAsync(string name, CheckpointOwner owner, CancellationToken cancellation = default);

    /// <summary>Writes `latest`, provided that it still is what was read.</summary>
    /// <param name="expected">What <see cref="ReadAsync"/> gave, null for nothing.</param>
    /// <param name="text">The new content.</param>
    /// <param name="cancellation">Ends it.</param>
    /// <returns>False where someone else was faster.</returns>
    Task<bool> TryReplaceLatestAsync(StoredText? expected, byte[] text, CancellationToken cancellation = default);

    /// <summary>Removes a committed checkpoint: from the list first, so that half of one is never listed.</summary>
    Task DeleteAsync(string name, CancellationToken cancellation = default);

    /// <summary>Removes what dead writers left unfinished, as far as this owner may.</summary>
    /// <returns>The names of what was removed.</returns>
    Task<IReadOnlyList<string>> ClearLeftoversAsync(CheckpointOwner owner, CancellationToken cancellation = default);
}

/// <summary>A small file's content, with the version that a conditional write compares.</summary>
public sealed record StoredText(byte[] Bytes, string Version);

/// <summary>A checkpoint on its way. Disposed without a commit, it leaves nothing behind where the storage allows it.</summary>
public interface IStagedCheckpoint : IAsyncDisposable
{
    /// <summary>Writes one file, durably.</summary>
    /// <returns>Its path relative to the checkpoint's folder.</returns>
    Task<string> WriteAsync(SnapshotFile file, CancellationToken cancellation = default);

    /// <summary>Writes checkpoint.json and gives the whole its name.</summary>
    /// <returns>False where the name is taken; what is there stays as it is.</returns>
    Task<bool> TryCommitAsync(byte[] record, CancellationToken cancellation = default);
}
