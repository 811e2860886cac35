using System.Security.Cryptography;

namespace VaeCluster.Checkpoints;

/// <summary>
/// Checkpoints in a folder: a local disk, NFS, a claim that several machines mount. Atomic by rename within the folder;
/// durable by fsync of each file, of the folder it is in, and of the folder that its name is in.
/// </summary>
public sealed class FolderStorage(string folder) : ICheckpointStorage
{
    private const string LockName = "latest.lock";
    private const string DeletedEnding = ".deleted";

    private static readonly TimeSpan LockDeadline = TimeSpan.FromSeconds(5);

    private readonly string _folder = Path.GetFullPath(folder);
    private bool _seen;

    public string Location => _folder;

    public Task<IReadOnlyList<string>> ListAsync(CancellationToken cancellation = default)
    {
        IReadOnlyList<string> names = !Directory.Exists(_folder) ? [] : Directory.EnumerateDirectories(_folder)
            .Select(path => Path.GetFileName(path))
            .Where(name => CheckpointName.Parse(name) is not null)
            .ToList();
        return Task.FromResult(names);
    }

    public async Task<StoredText?> ReadAsync(string path, int limit, CancellationToken cancellation = default)
    {
        await using var file = TryOpen(path);
        if (file is null) return null;
        if (file.Length > limit) throw new InvalidDataException($"has {file.Length} bytes, more than {limit}");
        using var bytes = new MemoryStream();
        await file.CopyToAsync(bytes, cancellation);
        var content = bytes.ToArray();
        return new StoredText(content, Convert.ToHexString(SHA256.HashData(content)));
    }

    public Task<Stream?> OpenAsync(string path, CancellationToken cancellation = default) => Task.FromResult<Stream?>(TryOpen(path));

    public string? LocalPath(string path) => In(path);

    public Task<IStagedCheckpoint> StageAsync(string name, CheckpointOwner owner, CancellationToken cancellation = default)
    {
        // Made once: a folder that is gone later is a storage that is away, not a new one on the disk behind it.
        if (_seen && !Directory.Exists(_folder)) throw new DirectoryNotFoundException("the folder is gone; is the storage mounted?");
        Directory.CreateDirectory(_folder);
        _seen = true;
        var temporary = In(CheckpointName.TemporaryOf(name, owner));
        if (Directory.Exists(temporary)) Directory.Delete(temporary, recursive: true);
        Directory.CreateDirectory(temporary);
        return Task.FromResult<IStagedCheckpoint>(new StagedFolder(temporary, In(name)));
    }

    public async Task<bool> TryReplaceLatestAsync(StoredText? expected, byte[] text, CancellationToken cancellation = default)
    {
        await using var held = await LockAsync(cancellation);
        var found = await ReadAsync(LatestPointer.FileName, text.Length + 65536, cancellation);
        if (found?.Version != expected?.Version) return false;
        // The lock makes the temporary name ours alone; one that a killed writer left is overwritten.
        var temporary = In(LatestPointer.FileName + ".tmp");
        DurableFile.Write(temporary, text);
        File.Move(temporary, In(LatestPointer.FileName), overwrite: true);
        DurableFile.SyncFolder(_folder);
        return true;
    }

    public Task DeleteAsync(string name, CancellationToken cancellation = default)
    {
        var doomed = In(name + DeletedEnding);
        if (Directory.Exists(doomed)) Directory.Delete(doomed, recursive: true);
        if (!Directory.Exists(In(name))) return Task.CompletedTask;
        Directory.Move(In(name), doomed);
        DurableFile.SyncFolder(_folder);
        Directory.Delete(doomed, recursive: true);
        return Task.CompletedTask;
    }

    public Task<IReadOnlyList<string>> ClearLeftoversAsync(CheckpointOwner owner, CancellationToken cancellation = default)
    {
        var cleared = new List<string>();
        if (!Directory.Exists(_folder)) return Task.FromResult<IReadOnlyList<string>>(cleared);
        foreach (var path in Directory.GetDirectories(_folder))
        {
            var name = Path.GetFileName(path);
            var abandoned = CheckpointName.OwnerOfTemporary(name) is { } writer && owner.MayClear(writer);
            var deleted = name.EndsWith(DeletedEnding, StringComparison.Ordinal) && CheckpointName.Parse(name[..^DeletedEnding.Length]) is not null;
            if (!abandoned && !deleted) continue;
            Directory.Delete(path, recursive: true);
            cleared.Add(name);
        }
        return Task.FromResult<IReadOnlyList<string>>(cleared);
    }

    public void Dispose() { }

    private string In(string path) => Path.Combine(_folder, path);

    private FileStream? TryOpen(string path)
    {
        try
        {
            return new FileStream(In(path), FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete, 0, FileOptions.SequentialScan);
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            return null;
        }
    }

    /// <summary>
    /// An advisory lock on an open file, which the kernel lets go when its holder dies. Where a file system has none, two
    /// writers of one generation could both move `latest`; plans name one writer, so this is the second line of defence.
    /// </summary>
    private async Task<FileStream> LockAsync(CancellationToken cancellation)
    {
        var start = TimeProvider.System.GetTimestamp();
        while (true)
        {
            try
            {
                return new FileStream(In(LockName), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
            }
            catch (IOException e) when (DurableFile.IsSharingViolation(e) && TimeProvider.System.GetElapsedTime(start) < LockDeadline)
            {
                await Task.Delay(10, cancellation);
            }
        }
    }

    private sealed class StagedFolder(string temporary, string final) : IStagedCheckpoint
    {
        private bool _committed;

        public Task<string> WriteAsync(SnapshotFile file, CancellationToken cancellation = default)
        {
            DurableFile.Write(Path.Combine(temporary, file.Name), file, cancellation);
            return Task.FromResult(file.Name);
        }

        public Task<bool> TryCommitAsync(byte[] record, CancellationToken cancellation = default)
        {
            DurableFile.Write(Path.Combine(temporary, CheckpointRecord.FileName), record);
            DurableFile.SyncFolder(temporary);
            _committed = TryRename();
            if (_committed) DurableFile.SyncFolder(Path.GetDirectoryName(final)!);
            return Task.FromResult(_committed);
        }

        public ValueTask DisposeAsync()
        {
            if (_committed) return ValueTask.CompletedTask;
            try
            {
                Directory.Delete(temporary, recursive: true);
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                // The storage is in trouble, which is why we are here; the next save clears it away.
            }
            return ValueTask.CompletedTask;
        }

        // rename(2) refuses a folder that is there and not empty, whoever else renames at the same moment.
        private bool TryRename()
        {
            try
            {
                Directory.Move(temporary, final);
                return true;
            }
            catch (IOException) when (Directory.Exists(final) && Directory.Exists(temporary))
            {
                return false;
            }
        }
    }
}
