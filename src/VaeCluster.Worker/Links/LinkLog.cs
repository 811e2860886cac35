using Microsoft.Extensions.Logging;

namespace VaeCluster.Worker.Links;

internal static partial class LinkLog
{
    [LoggerMessage(Level = LogLevel.Warning, Message = "A stream of segments from {Peer} was refused: {Reason} Others like it are only counted.")]
    public static partial void StreamRefused(ILogger logger, string peer, string reason);

    [LoggerMessage(Level = LogLevel.Warning, Message = "The link from or to {Loss}")]
    public static partial void PeerLost(ILogger logger, PeerLoss loss);

    [LoggerMessage(Level = LogLevel.Debug, Message = "Links of plan {Plan} are opened to {Count} members.")]
    public static partial void Opened(ILogger logger, MemberPlan plan, int count);
}
