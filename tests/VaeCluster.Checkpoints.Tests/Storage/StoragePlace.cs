using Amazon.S3;
using Amazon.S3.Model;

namespace VaeCluster.Checkpoints.Tests.Storage;

/// <summary>A place for checkpoints, with a back door: the same tests run on a folder and on S3.</summary>
public abstract class StoragePlace : IAsyncLifetime
{
    public abstract ICheckpointStorage Open();

    public abstract Task<byte[]> GetAsync(string path);

    public abstract Task PutAsync(string path, byte[] content);

    public abstract Task RemoveAsync(string path);

    /// <summary>All files, relative to the place.</summary>
    public abstract Task<IReadOnlyList<string>> FilesAsync();

    public virtual ValueTask InitializeAsync() => ValueTask.CompletedTask;

    public abstract ValueTask DisposeAsync();
}

public sealed class FolderPlace : StoragePlace
{
    public string Folder { get; } = Directory.CreateTempSubdirectory("vaecluster-checkpoints-").FullName;

    public override ICheckpointStorage Open() => new FolderStorage(Folder);

    public override Task<byte[]> GetAsync(string path) => File.ReadAllBytesAsync(Path.Combine(Folder, path));

    public override Task PutAsync(string path, byte[] content)
    {
        var full = Path.Combine(Folder, path);
        Directory.CreateDirectory(Path.GetDirectoryName(full)!);
        return File.WriteAllBytesAsync(full, content);
    }

    public override Task RemoveAsync(string path)
    {
        File.Delete(Path.Combine(Folder, path));
        return Task.CompletedTask;
    }

    public override Task<IReadOnlyList<string>> FilesAsync() => Task.FromResult<IReadOnlyList<string>>(
        Directory.EnumerateFiles(Folder, "*", SearchOption.AllDirectories).Select(path => Path.GetRelativePath(Folder, path)).ToList());

    public override ValueTask DisposeAsync()
    {
        Directory.Delete(Folder, recursive: true);
        return ValueTask.CompletedTask;
    }
}

public sealed class S3Place(string conditions) : StoragePlace
{
    private readonly S3Location _location = new(S3Server.Bucket, $"runs/{Guid.NewGuid():N}/");
    private AmazonS3Client? _client;

    public string Url => _location.ToString();

    public S3Options Options { get; private set; } = new();

    public override async ValueTask InitializeAsync()
    {
        Options = (await S3Servers.GetAsync(conditions)).Options;
        _client = new AmazonS3Client(new AmazonS3Config { ServiceURL = Options.Endpoint, ForcePathStyle = true, AuthenticationRegion = "us-east-1" });
    }

    public override ICheckpointStorage Open() => new S3Storage(_location, Options);

    public override async Task<byte[]> GetAsync(string path)
    {
        using var response = await _client!.GetObjectAsync(S3Server.Bucket, _location.Prefix + path);
        using var bytes = new MemoryStream();
        await response.ResponseStream.CopyToAsync(bytes);
        return bytes.ToArray();
    }

    public override Task PutAsync(string path, byte[] content) => _client!.PutObjectAsync(new PutObjectRequest
    {
        BucketName = S3Server.Bucket,
        Key = _location.Prefix + path,
        InputStream = new MemoryStream(content),
        UseChunkEncoding = false,
    });

    public override Task RemoveAsync(string path) => _client!.DeleteObjectAsync(S3Server.Bucket, _location.Prefix + path);

    public override async Task<IReadOnlyList<string>> FilesAsync()
    {
        var page = await _client!.ListObjectsV2Async(new ListObjectsV2Request { BucketName = S3Server.Bucket, Prefix = _location.Prefix });
        return (page.S3Objects ?? []).Select(found => found.Key[_location.Prefix.Length..]).ToList();
    }

    public override ValueTask DisposeAsync()
    {
        _client?.Dispose();
        return ValueTask.CompletedTask;
    }
}
