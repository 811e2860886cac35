namespace VaeCluster.Worker.Control;

/// <summary>Why the worker does not try to reach the coordinator any more.</summary>
public enum ConnectionEnd
{
    /// <summary>The host closed it.</summary>
    Closed,

    /// <summary>The coordinator does not take this worker, for good.</summary>
    Refused,

    /// <summary>The token is missing or wrong.</summary>
    NotAllowed,
}

/// <param name="End">What kind.</param>
/// <param name="Reason">One sentence.</param>
public sealed record ConnectionOutcome(ConnectionEnd End, string Reason);
