namespace VaeCluster.Worker.Links;

/// <summary>How links behave beyond the transport's own settings.</summary>
public sealed class LinkOptions
{
    /// <summary>How long a link of a plan that was left may take to send what it has queued.</summary>
    public TimeSpan CloseGrace { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>How long a stream of a plan that we have not heard of may wait for it.</summary>
    public TimeSpan PlanGrace { get; set; } = TimeSpan.FromSeconds(60);

    /// <summary>
    /// The most memory that members on the same host are given to read in place; what has no room goes by gRPC. Only what is
    /// used is taken from the machine.
    /// </summary>
    public long MostSharedBytes { get; set; } = GC.GetGCMemoryInfo().TotalAvailableMemoryBytes;

    /// <summary>Streams that may wait for a plan at a time.</summary>
    public int MostWaiting { get; set; } = 4096;
}
