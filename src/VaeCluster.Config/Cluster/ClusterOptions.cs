namespace VaeCluster.Config;

/// <summary>How gradients go from worker to worker.</summary>
public enum LinkTransport
{
    /// <summary>Through shared memory between workers that prove to be on one host, by gRPC between others.</summary>
    Auto,

    /// <summary>By gRPC between all.</summary>
    Grpc,
}

/// <summary>The section `cluster`: how workers work together. Nothing of it is seen in the weights.</summary>
public sealed class ClusterOptions
{
    public LinkTransport Transport { get; set; }
}
