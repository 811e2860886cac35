using System.Net;
using Amazon.S3;
using Amazon.S3.Model;

namespace VaeCluster.Checkpoints;

/// <summary>
/// Checkpoints in an object storage. There is no rename, so checkpoint.json is what makes a checkpoint: it is written last,
/// only where there is none yet, and it names the data by paths that carry their writer: NAME/TERM-NUMBER.WORKER/FILE. Two
/// writers never touch the same object of data, even on a server that ignores the conditions of a write.
/// </summary>
public sealed class S3Storage : ICheckpointStorage
{
    private readonly S3Location _place;
    private readonly AmazonS3Client _client;
    private readonly S3Upload _upload;

    public S3Storage(S3Location place, S3Options options)
    {
        _place = place;
        var config = S3Client.Config(options);
        _client = S3Client.Connect(config, place);
        _upload = new S3Upload(_client, place.Bucket, unsignedPayload: config.ServiceURL?.StartsWith("http:", StringComparison.Ordinal) != true);
    }

    public string Location => _place.ToString();

    public async Task<IReadOnlyList<string>> ListAsync(CancellationToken cancellation = default) =>
        (await KeysAsync(cancellation))
            .Where(key => key.Split('/') is [_, CheckpointRecord.FileName])
            .Select(key => key.Split('/')[0])
            .Where(name => CheckpointName.Parse(name) is not null)
            .ToList();

    public async Task<StoredText?> ReadAsync(string path, int limit, CancellationToken cancellation = default)
    {
        using var response = await GetAsync(path, cancellation);
        if (response is null) return null;
        if (response.ContentLength > limit) throw new InvalidDataException($"has {response.ContentLength} bytes, more than {limit}");
        using var bytes = new MemoryStream();
        await response.ResponseStream.CopyToAsync(bytes, cancellation);
        return new StoredText(bytes.ToArray(), response.ETag);
    }

    public async Task<Stream?> OpenAsync(string path, CancellationToken cancellation = default) =>
        (await GetAsync(path, cancellation))?.ResponseStream;

    public string? LocalPath(string path) => null;

    public Task<IStagedCheckpoint> StageAsync(string name, CheckpointOwner owner, CancellationToken cancellation = default) =>
        Task.FromResult<IStagedCheckpoint>(new StagedObjects(this, name, owner.Tag));

    public async Task<bool> TryReplaceLatestAsync(StoredText? expected, byte[] text, CancellationToken cancellation = default)
    {
        // For the servers that know no conditions: as late as possible.
        var found = await ReadAsync(LatestPointer.FileName, text.Length + 65536, cancellation);
        if (found?.Version != expected?.Version) return false;
        return await _upload.TryPutAsync(Key(LatestPointer.FileName), text, expected?.Version, cancellation)
            || await HoldsAsync(LatestPointer.FileName, text, cancellation);
    }

    public async Task DeleteAsync(string name, CancellationToken cancellation = default)
    {
        await _client.DeleteObjectAsync(_place.Bucket, Key($"{name}/{CheckpointRecord.FileName}"), cancellation);
        foreach (var key in await KeysAsync(cancellation, name + "/"))
            await _client.DeleteObjectAsync(_place.Bucket, Key(key), cancellation);
    }

    public async Task<IReadOnlyList<string>> ClearLeftoversAsync(CheckpointOwner owner, CancellationToken cancellation = default)
    {
        var keys = await KeysAsync(cancellation);
        var cleared = new HashSet<string>();
        foreach (var checkpoint in keys.Where(key => key.Contains('/')).GroupBy(key => key.Split('/')[0]))
        {
            if (CheckpointName.Parse(checkpoint.Key) is null) continue;
            var record = await ReadAsync($"{checkpoint.Key}/{CheckpointRecord.FileName}", CheckpointRecord.LongestText, cancellation);
            var named = record is null ? [] : NamedBy(record.Bytes);
            if (named is null) continue;
            foreach (var key in checkpoint)
            {
                if (key.Split('/') is not [var name, var tag, var file] || CheckpointOwner.FromTag(tag) is not { } writer) continue;
                if (!owner.MayClear(writer) || named.Contains($"{tag}/{file}")) continue;
                await _client.DeleteObjectAsync(_place.Bucket, Key(key), cancellation);
                cleared.Add($"{name}/{tag}");
            }
        }
        cleared.UnionWith(await _upload.AbortAbandonedAsync(_place.Prefix, owner, cancellation));
        return cleared.ToList();
    }

    public void Dispose() => _client.Dispose();

    // What a damaged checkpoint.json names is not known, so nothing beside it is touched.
    private static HashSet<string>? NamedBy(byte[] record)
    {
        try
        {
            return CheckpointRecord.FromBytes(record).Files.Select(file => file.Path).ToHashSet();
        }
        catch (InvalidDataException)
        {
            return null;
        }
    }

    private string Key(string path) => _place.Prefix + path;

    private async Task<bool> HoldsAsync(string path, byte[] text, CancellationToken cancellation) =>
        await ReadAsync(path, text.Length + 65536, cancellation) is { } found && found.Bytes.AsSpan().SequenceEqual(text);

    private async Task<GetObjectResponse?> GetAsync(string path, CancellationToken cancellation)
    {
        try
        {
            return await _client.GetObjectAsync(_place.Bucket, Key(path), cancellation);
        }
        catch (AmazonS3Exception e) when (e.StatusCode == HttpStatusCode.NotFound && e.ErrorCode != "NoSuchBucket")
        {
            return null;
        }
    }

    private async Task<List<string>> KeysAsync(CancellationToken cancellation, string under = "") =>
        [.. (await S3Client.ListAsync(_client, _place.Bucket, Key(under), cancellation)).Select(found => found.Key[_place.Prefix.Length..])];

    private sealed class StagedObjects(S3Storage storage, string name, string tag) : IStagedCheckpoint
    {
        private readonly List<string> _written = [];
        private bool _committed;

        public async Task<string> WriteAsync(SnapshotFile file, CancellationToken cancellation = default)
        {
            var path = $"{tag}/{file.Name}";
            var key = storage.Key($"{name}/{path}");
            _written.Add(key);
            await storage._upload.PutAsync(key, file, cancellation);
            return path;
        }

        public async Task<bool> TryCommitAsync(byte[] record, CancellationToken cancellation = default)
        {
            var path = $"{name}/{CheckpointRecord.FileName}";
            // A server that knows no conditions would overwrite.
            var taken = await storage.ReadAsync(path, CheckpointRecord.LongestText, cancellation) is not null;
            _committed = !taken && (await storage._upload.TryPutAsync(storage.Key(path), record, null, cancellation)
                || await storage.HoldsAsync(path, record, cancellation));
            return _committed;
        }

        public async ValueTask DisposeAsync()
        {
            if (_committed) return;
            try
            {
                using var deadline = new CancellationTokenSource(TimeSpan.FromSeconds(10));
                // A commit whose answer was lost may stand, and then its data must stay.
                var record = await storage.ReadAsync($"{name}/{CheckpointRecord.FileName}", CheckpointRecord.LongestText, deadline.Token);
                if (record is not null && NamedBy(record.Bytes)?.Any(path => path.StartsWith(tag + "/", StringComparison.Ordinal)) != false) return;
                foreach (var key in _written) await storage._client.DeleteObjectAsync(storage._place.Bucket, key, deadline.Token);
            }
            catch (Exception e) when (StorageFailure.Is(e))
            {
                // The storage is in trouble, which is why we are here; the next save clears it away.
            }
        }
    }
}
