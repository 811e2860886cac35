using System.Net;
using Amazon.Runtime;
using Amazon.S3;
using Amazon.S3.Model;

namespace VaeCluster.Checkpoints;

/// <summary>Objects on their way up: in parts where they are large, under a condition where it matters who was first.</summary>
internal sealed class S3Upload(AmazonS3Client client, string bucket, bool unsignedPayload)
{
    private const long SmallestPart = 16 << 20;
    private const long MostParts = 9000; // the protocol allows 10,000
    private const int PartsAtOnce = 4;

    private bool _refusesConditions;

    /// <summary>Writes an object of any size, straight from the snapshot.</summary>
    public async Task PutAsync(string key, SnapshotFile file, CancellationToken cancellation)
    {
        if (file.Length > SmallestPart)
        {
            await PutInPartsAsync(key, file, cancellation);
            return;
        }
        await client.PutObjectAsync(new PutObjectRequest
        {
            BucketName = bucket,
            Key = key,
            InputStream = file.Open(0, file.Length),
            UseChunkEncoding = false,
            DisablePayloadSigning = unsignedPayload,
        }, cancellation);
    }

    /// <summary>Writes a small object if there is none (no version given), or if it still has this version.</summary>
    /// <returns>False where the condition does not hold. Servers without conditional writes always write.</returns>
    public async Task<bool> TryPutAsync(string key, byte[] text, string? version, CancellationToken cancellation)
    {
        var request = new PutObjectRequest
        {
            BucketName = bucket,
            Key = key,
            InputStream = new MemoryStream(text),
            ContentType = "application/json",
            UseChunkEncoding = false,
            DisablePayloadSigning = unsignedPayload,
        };
        if (!_refusesConditions) (request.IfNoneMatch, request.IfMatch) = version is null ? ("*", null) : ((string?)null, version);
        try
        {
            await client.PutObjectAsync(request, cancellation);
            return true;
        }
        catch (AmazonS3Exception e) when (e.StatusCode is HttpStatusCode.PreconditionFailed or HttpStatusCode.Conflict)
        {
            return false;
        }
        catch (AmazonS3Exception e) when (e.StatusCode == HttpStatusCode.NotImplemented)
        {
            if (_refusesConditions) throw;
            _refusesConditions = true;
            return await TryPutAsync(key, text, version, cancellation);
        }
    }

    /// <summary>Ends the uploads in parts that dead writers began; their parts cost storage that no list shows.</summary>
    public async Task<IReadOnlyList<string>> AbortAbandonedAsync(string prefix, CheckpointOwner owner, CancellationToken cancellation)
    {
        var aborted = new List<string>();
        var uploads = await UploadsAsync(prefix, cancellation);
        foreach (var upload in uploads)
        {
            if (upload.Key[prefix.Length..].Split('/') is not [var name, var tag, _]) continue;
            if (CheckpointName.Parse(name) is null || CheckpointOwner.FromTag(tag) is not { } writer || !owner.MayClear(writer)) continue;
            await client.AbortMultipartUploadAsync(bucket, upload.Key, upload.UploadId, cancellation);
            aborted.Add($"{name}/{tag}");
        }
        return aborted;
    }

    private async Task PutInPartsAsync(string key, SnapshotFile file, CancellationToken cancellation)
    {
        var partSize = Math.Max(SmallestPart, file.Length / MostParts + 1);
        var count = (int)((file.Length + partSize - 1) / partSize);
        var upload = await client.InitiateMultipartUploadAsync(bucket, key, cancellation);
        try
        {
            var tags = new PartETag[count];
            var limits = new ParallelOptions { MaxDegreeOfParallelism = PartsAtOnce, CancellationToken = cancellation };
            await Parallel.ForEachAsync(Enumerable.Range(0, count), limits, async (index, stop) =>
            {
                var length = Math.Min(partSize, file.Length - index * partSize);
                var part = await client.UploadPartAsync(new UploadPartRequest
                {
                    BucketName = bucket,
                    Key = key,
                    UploadId = upload.UploadId,
                    PartNumber = index + 1,
                    PartSize = length,
                    InputStream = file.Open(index * partSize, length),
                    UseChunkEncoding = false,
                    DisablePayloadSigning = unsignedPayload,
                }, stop);
                tags[index] = new PartETag(index + 1, part.ETag);
            });
            await client.CompleteMultipartUploadAsync(new CompleteMultipartUploadRequest
            {
                BucketName = bucket,
                Key = key,
                UploadId = upload.UploadId,
                PartETags = [.. tags],
            }, cancellation);
        }
        catch
        {
            await AbortAsync(key, upload.UploadId);
            throw;
        }
    }

    private async Task AbortAsync(string key, string uploadId)
    {
        using var deadline = new CancellationTokenSource(TimeSpan.FromSeconds(10));
        try
        {
            await client.AbortMultipartUploadAsync(bucket, key, uploadId, deadline.Token);
        }
        catch (Exception e) when (StorageFailure.Is(e))
        {
            // The storage is in trouble, which is why we are here; the next save clears it away.
        }
    }

    private async Task<IReadOnlyList<MultipartUpload>> UploadsAsync(string prefix, CancellationToken cancellation)
    {
        try
        {
            var response = await client.ListMultipartUploadsAsync(new ListMultipartUploadsRequest { BucketName = bucket, Prefix = prefix }, cancellation);
            return response.MultipartUploads ?? [];
        }
        catch (AmazonServiceException e) when (e.StatusCode is HttpStatusCode.NotImplemented or HttpStatusCode.MethodNotAllowed)
        {
            return [];
        }
    }
}
