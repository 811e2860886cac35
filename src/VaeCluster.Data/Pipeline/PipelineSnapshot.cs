namespace VaeCluster.Data.Pipeline;

/// <summary>What a pipeline did so far.</summary>
/// <param name="Images">Images loaded, those that were not taken included.</param>
/// <param name="Takes">Batches taken.</param>
/// <param name="Waited">By the takers, in all.</param>
/// <param name="Ready">Batches that wait to be taken.</param>
/// <param name="Broken">Broken images met by this process.</param>
/// <param name="CacheHits">Images that came from the decoded cache.</param>
/// <param name="CacheMisses">Images that it was asked for and did not have.</param>
/// <param name="CacheBytes">In the cache, whoever of this machine decoded them.</param>
public readonly record struct PipelineSnapshot(long Images, long Takes, TimeSpan Waited, int Ready, int Broken, long CacheHits, long CacheMisses, long CacheBytes);
