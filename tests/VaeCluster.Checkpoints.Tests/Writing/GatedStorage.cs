namespace VaeCluster.Checkpoints.Tests.Writing;

/// <summary>A slow storage: a folder that takes no checkpoint before the gate is opened.</summary>
internal sealed class GatedStorage(ICheckpointStorage inner) : ICheckpointStorage
{
    private readonly TaskCompletionSource _open = new();
    private readonly TaskCompletionSource _reached = new();

    public void Open() => _open.SetResult();

    /// <summary>A save waits at the gate.</summary>
    public Task ReachedAsync() => _reached.Task.Within("a save at the gate");

    public string Location => inner.Location;

    public async Task<IStagedCheckpoint> StageAsync(string name, CheckpointOwner owner, CancellationToken cancellation = default)
    {
        _reached.TrySetResult();
        await _open.Task.WaitAsync(cancellation);
        return await inner.StageAsync(name, owner, cancellation);
    }

    public Task<IReadOnlyList<string>> ListAsync(CancellationToken cancellation = default) => inner.ListAsync(cancellation);

    public Task<StoredText?> ReadAsync(string path, int limit, CancellationToken cancellation = default) => inner.ReadAsync(path, limit, cancellation);

    public Task<Stream?> OpenAsync(string path, CancellationToken cancellation = default) => inner.OpenAsync(path, cancellation);

    public string? LocalPath(string path) => inner.LocalPath(path);

    public Task<bool> TryReplaceLatestAsync(StoredText? expected, byte[] text, CancellationToken cancellation = default) =>
        inner.TryReplaceLatestAsync(expected, text, cancellation);

    public Task DeleteAsync(string name, CancellationToken cancellation = default) => inner.DeleteAsync(name, cancellation);

    public Task<IReadOnlyList<string>> ClearLeftoversAsync(CheckpointOwner owner, CancellationToken cancellation = default) =>
        inner.ClearLeftoversAsync(owner, cancellation);

    public void Dispose() => inner.Dispose();
}
