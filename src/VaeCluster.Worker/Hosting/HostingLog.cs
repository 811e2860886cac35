using Microsoft.Extensions.Logging;
using VaeCluster.Collectives;

namespace VaeCluster.Worker.Hosting;

internal static partial class HostingLog
{
    [LoggerMessage(Level = LogLevel.Information, Message = "{Worker} listens on {Address} as {Instance}.")]
    public static partial void Listens(ILogger logger, string worker, string address, string instance);

    [LoggerMessage(Level = LogLevel.Information, Message = "Metrics: {Address}/metrics")]
    public static partial void Metrics(ILogger logger, string address);

    [LoggerMessage(Level = LogLevel.Information, Message = "Ready: {Parameters} parameters, {Steps} steps, manifest {Manifest}.")]
    public static partial void Ready(ILogger logger, long parameters, long steps, string manifest);

    [LoggerMessage(Level = LogLevel.Information, Message = "Plan {Generation}: rank {Rank} of {Members}, {Slots} slots. {Reason}")]
    public static partial void Planned(ILogger logger, Generation generation, int rank, int members, int slots, string reason);

    [LoggerMessage(Level = LogLevel.Information, Message = "The round was given up: {Reason}")]
    public static partial void Stopped(ILogger logger, string reason);

    [LoggerMessage(Level = LogLevel.Information, Message = "Told to restore: {Reason}")]
    public static partial void Restores(ILogger logger, string reason);

    [LoggerMessage(Level = LogLevel.Information, Message = "Copied the state after {Steps} steps, {Bytes} bytes.")]
    public static partial void Copied(ILogger logger, long steps, long bytes);

    [LoggerMessage(Level = LogLevel.Warning, Message = "The state could not be copied: {Reason} Trying again.")]
    public static partial void CopyFailed(ILogger logger, string reason);

    [LoggerMessage(Level = LogLevel.Error, Message = "Slot {Slot} of step {Step} failed.")]
    public static partial void Failed(ILogger logger, Exception exception, int slot, long step);

    [LoggerMessage(Level = LogLevel.Warning, Message = "Pictures could not be written: {Reason}")]
    public static partial void NoPictures(ILogger logger, string reason);

    [LoggerMessage(Level = LogLevel.Information, Message = "{Sentence}")]
    public static partial void Checkpoint(ILogger logger, string sentence);

    [LoggerMessage(Level = LogLevel.Warning, Message = "{Sentence}")]
    public static partial void CheckpointTrouble(ILogger logger, string sentence);

    [LoggerMessage(Level = LogLevel.Error, Message = "The state after step {Step} is in no checkpoint: the storage failed for {Time}. Its weights are in the run's folder.")]
    public static partial void NoLastCheckpoint(ILogger logger, long step, TimeSpan time);

    [LoggerMessage(Level = LogLevel.Warning, Message = "{Reason}")]
    public static partial void Ignored(ILogger logger, string reason);

    [LoggerMessage(Level = LogLevel.Information, Message = "{Reason}")]
    public static partial void Left(ILogger logger, string reason);
}
