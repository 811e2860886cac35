using System.Threading.Channels;
using VaeCluster.Checkpoints;
using VaeCluster.Config;
using VaeCluster.Config.Runs;
using VaeCluster.Protocol.V1;

namespace VaeCluster.Cluster;

/// <summary>
/// Writes the run's series from the records of the steps that are done, behind the coordinator, and at the end what the run
/// has come to. Steps that are done again replace what came from them. Pictures are the workers'; they stand in the folder
/// before the record of their step comes.
/// </summary>
internal sealed class StepSeries : IAsyncDisposable
{
    private readonly Channel<StepRecord> records = Channel.CreateUnbounded<StepRecord>(new() { SingleReader = true });
    private readonly RunFolder folder;
    private readonly RunConfig config;
    private readonly long totalSteps;
    private readonly Task writing;

    /// <summary>Steps written.</summary>
    private long step = -1;
    private double seconds;
    private RunSeries? series;

    public StepSeries(RunFolder folder, RunConfig config, long totalSteps)
    {
        (this.folder, this.config, this.totalSteps) = (folder, config, totalSteps);
        writing = Task.Run(WriteAsync);
    }

    /// <summary>Does not block.</summary>
    public void Add(StepRecord record) => records.Writer.TryWrite(record);

    /// <summary>Everything is written when this ends.</summary>
    public async Task FinishAsync()
    {
        records.Writer.TryComplete();
        await writing.ConfigureAwait(false);
        if (step == totalSteps) series?.TakePictures(step);
        series?.WriteLossCurve();
        series?.Dispose();
        series = null;
        WriteSummary();
    }

    public async ValueTask DisposeAsync()
    {
        records.Writer.TryComplete();
        await writing.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        series?.Dispose();
    }

    private async Task WriteAsync()
    {
        await foreach (var record in records.Reader.ReadAllAsync().ConfigureAwait(false)) Write(record);
    }

    private void Write(StepRecord record)
    {
        if ((long)record.Step != step) Open((long)record.Step);
        step = (long)record.Step + 1;
        seconds += record.Seconds;
        var losses = record.Losses;
        series!.Add(new MetricsRow(step, (long)record.Epoch, record.Samples, losses.Loss, losses.Reconstruction, losses.Kl, losses.Psnr,
            losses.GradientNorm, losses.LearningRate, losses.Beta, record.Seconds > 0 ? record.Samples / record.Seconds : 0, seconds));
        if (record.Validation is not { } validation) return;
        series.Add(new ValidationRow(step, (long)record.Epoch, (long)validation.Samples, validation.Loss, validation.Reconstruction,
            validation.Kl, validation.Psnr, (int)validation.ActiveUnits));
        series.TakePictures(step);
    }

    /// <summary>To append from this step on.</summary>
    private void Open(long from)
    {
        series?.Dispose();
        series = RunSeries.Open(folder, from);
        var before = folder.ReadMetrics();
        seconds = before.Count > 0 ? before[^1].Seconds : 0;
    }

    private void WriteSummary()
    {
        var rows = folder.ReadMetrics();
        var last = rows.Count > 0 ? rows[^1] : null;
        var validated = folder.ReadValidations();
        var finished = last?.Step == totalSteps;
        folder.WriteSummary(RunSummary.FromMetrics(config, rows) with
        {
            TotalSteps = totalSteps,
            Finished = finished,
            WeightsSha256 = finished && File.Exists(folder.WeightsPath) ? HashOf(folder.WeightsPath) : null,
            SkippedSteps = rows.Count(row => !double.IsFinite(row.GradientNorm)),
            Validation = validated.Count > 0 ? validated[^1].ToJson() : null,
        });
    }

    private static string HashOf(string path)
    {
        using var file = SafetensorsFile.Open(path);
        return TensorHash.Of(file);
    }
}
