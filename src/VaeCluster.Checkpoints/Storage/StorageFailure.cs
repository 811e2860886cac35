using Amazon.Runtime;

namespace VaeCluster.Checkpoints;

/// <summary>What a storage throws when it is slow, full, read-only or away: to be tried again, not to end a training.</summary>
public static class StorageFailure
{
    public static bool Is(Exception e) => e is IOException or UnauthorizedAccessException or TimeoutException
        or AmazonServiceException or AmazonClientException or HttpRequestException or OperationCanceledException;

    /// <summary>A sentence that names the place.</summary>
    public static string Describe(ICheckpointStorage storage, Exception e) => $"{storage.Location}: {e.Message}";
}
