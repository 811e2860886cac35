using VaeCluster.Config;
using VaeCluster.Config.Runs;
using VaeCluster.Coordinator;
using VaeCluster.Coordinator.Runs;
using VaeCluster.Data;
using VaeCluster.Data.Order;
using VaeCluster.Data.Splits;
using VaeCluster.Protocol.Metrics;
using VaeCluster.Worker.Checkpoints;

namespace VaeCluster.Cluster;

/// <summary>
/// The coordinator's process: lists the data, writes the run's folder, leads the run, and writes its series from the step
/// records that the workers send. The folder is written to only after everything that can be refused was refused.
/// </summary>
internal sealed class CoordinatedRun(RunFolder folder, RunConfig config, CoordinatorOptions options, string metrics)
{
    public async Task<int> RunAsync(CancellationToken cancellation)
    {
        // 1. The data, and with them the run's length.
        using var data = DataSet.Open(config.Data, cancellation: cancellation);
        var samples = data.Manifest.Count(Split.Train);
        if (samples < config.Train.Slots)
        {
            throw new UserErrorException($"data.source: {config.Data.Source} has {samples} training images, fewer than train.slots = "
                + $"{config.Train.Slots}. Give it more images, or the run fewer slots.");
        }
        var order = new StepSamples(samples, config.Train.Batch, config.Train.Slots, (ulong)config.Train.Seed, config.Data.Shuffle);
        var totalSteps = config.Train.Steps ?? config.Train.Epochs!.Value * order.StepsPerEpoch;
        // The horizon goes into the folder as a number, so that a longer run later does not bend the schedule.
        if (config.Optimizer.Schedule.Kind == Torch.ScheduleKind.Cosine) config.Optimizer.Schedule.Steps ??= totalSteps;

        // 2. The folder.
        await using var endpoint = await MetricsEndpoint.StartAsync(metrics, cancellationToken: cancellation).ConfigureAwait(false);
        if (folder.HoldsRun) ThrowIfAnother();
        folder.Begin(config);
        folder.WriteWhole(RunFolder.ManifestName, data.Manifest.Save);
        await using var series = new StepSeries(folder, config, totalSteps);

        // 3. The run.
        ulong newest;
        await using (var checkpoints = RunCheckpoints.Open(config, folder.Path, data.Manifest.Id, _ => { }))
        {
            newest = await checkpoints.HighestTermAsync(cancellation).ConfigureAwait(false);
        }
        var outcome = await CoordinatorHost.RunAsync(options, new RunDescription(folder.Path, config.ToYaml(), config.Train.Slots)
        {
            TotalSteps = (ulong)totalSteps,
            ManifestId = data.Manifest.Id,
            NewestTerm = newest,
            MixedWorkers = config.Train.MixedWorkers,
            StepDone = series.Add,
        }, cancellation, Logs.ToStandardError).ConfigureAwait(false);
        await series.FinishAsync().ConfigureAwait(false);
        return outcome.End switch
        {
            CoordinatorEnd.Completed => ExitCodes.Success,
            CoordinatorEnd.Stopped => ExitCodes.Interrupted,
            _ => throw new UserErrorException(outcome.Reason),
        };
    }

    private void ThrowIfAnother()
    {
        var difference = RunConfig.Difference(folder.ReadConfig(), config).Where(d => !d.MayChange).ToList();
        if (difference.Count == 0) return;
        throw new UserErrorException([
            $"{folder.Path} holds a run with another configuration. Name a new folder with --run, or take these back:",
            .. difference.Select(d => $"  {d}"),
        ]);
    }
}
