using System.Reflection;
using System.Text.Json;
using Microsoft.Extensions.Logging;
using VaeCluster.Checkpoints;
using VaeCluster.Config;
using VaeCluster.Config.Runs;
using VaeCluster.Coordinator;
using VaeCluster.Coordinator.Runs;
using VaeCluster.Data;
using VaeCluster.Models.Presets;
using VaeCluster.Protocol.Health;
using VaeCluster.Protocol.Metrics;
using VaeCluster.Protocol.Tracing;
using VaeCluster.Status.Web;
using VaeCluster.Worker.Checkpoints;

namespace VaeCluster.Cluster;

/// <summary>
/// The coordinator's process: lists the data, writes the run's folder, leads the run, and writes its series from the step
/// records that the workers send. The folder is written to only after everything that can be refused was refused.
/// </summary>
internal sealed partial class CoordinatedRun(RunFolder folder, RunConfig config, CoordinatorOptions options)
{
    /// <summary>The checkpoint that workers without a state go on from; the newest where none was chosen.</summary>
    public CheckpointChoice? Resume { get; init; }

    /// <summary>Workers of a coordinator before this one may train on.</summary>
    public bool WorkersMayReturn { get; init; }

    public async Task<int> RunAsync(CancellationToken cancellation)
    {
        // 1. The data, and with them the run's length.
        using var data = DataSet.Open(config.Data, cancellation: cancellation);
        var totalSteps = config.Train.StepsOf(config.OrderOf(data.Manifest).StepsPerEpoch);
        config.FixHorizon(totalSteps);

        // 2. What probes, Prometheus and browsers ask.
        var health = new ServiceHealth();
        health.Set(ServiceHealth.Ready, serving: false);
        var history = new RunHistory();
        var site = new StatusSite(history);
        await using var endpoint = await MetricsEndpoint.StartAsync(options.Metrics, health: health, more: site.Map, cancellationToken: cancellation).ConfigureAwait(false);

        // 3. The folder.
        folder.ThrowIfAnother(config);
        var (newest, backTo) = await GoBackAsync(data.Manifest.Id, totalSteps, cancellation).ConfigureAwait(false);
        folder.Begin(config);
        folder.WriteWhole(RunFolder.ManifestName, data.Manifest.Save);
        using var traces = Traces.Start("coordinator", Environment.MachineName);
        using var logs = LoggerFactory.Create(Logs.ToStandardError);
        var log = logs.CreateLogger<CoordinatedRun>();
        await using var series = new StepSeries(folder, config, totalSteps, history, sentence => Series(log, sentence));

        // 4. The run. A coordinator that stays has the series whole all the same, and does not stay where they can't be written.
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        Task? finishing = null;
        async Task FinishAsync()
        {
            try
            {
                await series.FinishAsync().ConfigureAwait(false);
            }
            catch
            {
                await ending.CancelAsync().ConfigureAwait(false);
                throw;
            }
        }
        var outcome = await CoordinatorHost.RunAsync(options, new RunDescription(folder.Path, config.ToYaml(), config.Train.Slots)
        {
            Model = JsonNamingPolicy.SnakeCaseLower.ConvertName(Preset.Find(config.Model.Preset).Architecture.ToString()),
            Preset = config.Model.Preset,
            Version = typeof(CoordinatedRun).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion ?? "",
            TotalSteps = (ulong)totalSteps,
            ManifestId = data.Manifest.Id,
            NewestTerm = newest,
            BackTo = (ulong?)backTo,
            WorkersMayReturn = WorkersMayReturn && Resume is null,
            MixedWorkers = config.Train.MixedWorkers,
            StepDone = series.Add,
            TraceSteps = config.Train.TraceSteps,
            Completed = () => finishing = Task.Run(FinishAsync, CancellationToken.None),
        }, ending.Token, Logs.ToStandardError, health, started: host =>
        {
            site.Status = () => host.Status;
            Listens(log, endpoint.Address);
        }).ConfigureAwait(false);
        await (finishing ?? series.FinishAsync()).ConfigureAwait(false);
        return outcome.End switch
        {
            CoordinatorEnd.Completed => ExitCodes.Success,
            CoordinatorEnd.Stopped => ExitCodes.Interrupted,
            _ => throw new UserErrorException(outcome.Reason),
        };
    }

    /// <summary>Makes the chosen checkpoint the newest one.</summary>
    /// <returns>The highest term that the checkpoints know, and the step of the chosen one.</returns>
    private async Task<(ulong Newest, long? BackTo)> GoBackAsync(string manifestId, long totalSteps, CancellationToken cancellation)
    {
        await using var checkpoints = RunCheckpoints.Open(config, folder.Path, manifestId, _ => { });
        var newest = await checkpoints.HighestTermAsync(cancellation).ConfigureAwait(false);
        if (Resume is null) return (newest, null);
        return (newest + 1, await checkpoints.GoBackAsync(Resume, totalSteps, new CheckpointOwner("coordinator", newest + 1, 0), cancellation).ConfigureAwait(false));
    }

    [LoggerMessage(Level = LogLevel.Information, Message = "Status page and metrics: {Address}")]
    private static partial void Listens(ILogger logger, string address);

    [LoggerMessage(Level = LogLevel.Warning, Message = "{Sentence}")]
    private static partial void Series(ILogger logger, string sentence);
}
