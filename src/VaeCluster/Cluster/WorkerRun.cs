using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Console;
using VaeCluster.Protocol.Tracing;
using VaeCluster.Worker.Hosting;

namespace VaeCluster.Cluster;

/// <summary>A worker's process, from its options to its exit code.</summary>
internal static class WorkerRun
{
    public static async Task<int> RunAsync(WorkerOptions options, CancellationToken interruption)
    {
        using var traces = Traces.Start("worker", options.Id);
        await using var host = new WorkerHost(options, Logs.ToStandardError);
        await using var _ = interruption.Register(() => host.Leave("It was told to end.")).ConfigureAwait(false);
        var end = await host.RunAsync().ConfigureAwait(false);
        if (end == WorkerEnd.Completed && options.Stay) await Task.Delay(Timeout.Infinite, interruption).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        return end switch
        {
            WorkerEnd.Completed => ExitCodes.Success,
            WorkerEnd.Left => ExitCodes.Interrupted,
            _ => ExitCodes.Bug,
        };
    }
}

internal static class Logs
{
    /// <summary>A line for each message, with its time.</summary>
    public static void ToStandardError(ILoggingBuilder logging)
    {
        logging.AddSimpleConsole(console =>
        {
            console.SingleLine = true;
            console.TimestampFormat = "HH:mm:ss.fff ";
            console.UseUtcTimestamp = true;
        });
        logging.Services.Configure<ConsoleLoggerOptions>(console => console.LogToStandardErrorThreshold = LogLevel.Trace);
    }
}
