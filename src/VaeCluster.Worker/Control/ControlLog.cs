using Microsoft.Extensions.Logging;

namespace VaeCluster.Worker.Control;

internal static partial class ControlLog
{
    [LoggerMessage(Level = LogLevel.Information, Message = "Connected to the coordinator of run {Run} in term {Term}.")]
    public static partial void Connected(ILogger logger, string run, ulong term);

    [LoggerMessage(Level = LogLevel.Warning, Message = "The coordinator is not reached: {Reason} Training goes on; trying again.")]
    public static partial void Unreachable(ILogger logger, string reason);

    [LoggerMessage(Level = LogLevel.Warning, Message = "A message was ignored: {Reason}")]
    public static partial void Ignored(ILogger logger, string reason);
}
