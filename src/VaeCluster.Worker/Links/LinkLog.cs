using Microsoft.Extensions.Logging;

namespace VaeCluster.Worker.Links;

internal static partial class LinkLog
{
    [LoggerMessage(Level = LogLevel.Warning, Message = "A stream of segments from {Peer} was refused: {Reason} Others like it are only counted.")]
    public static partial void StreamRefused(ILogger logger, string peer, string reason);

    [LoggerMessage(Level = LogLevel.Warning, Message = "The link from or to {Loss}")]
    public static partial void PeerLost(ILogger logger, PeerLoss loss);

    [LoggerMessage(Level = LogLevel.Information, Message = "Gradients go by gRPC where they could have gone through shared memory: {Reason}")]
    public static partial void NotShared(ILogger logger, string reason);

    [LoggerMessage(Level = LogLevel.Information, Message = "{Peer} says that it is on this host, but its memory is not to be seen from here: {Reason} It is reached by gRPC, and so are others like it.")]
    public static partial void NotSharedWith(ILogger logger, string peer, string reason);

    [LoggerMessage(Level = LogLevel.Debug, Message = "Links of plan {Plan} are opened to {Count} members.")]
    public static partial void Opened(ILogger logger, MemberPlan plan, int count);
}
