using System.Threading.Channels;
using VaeCluster.Checkpoints;
using VaeCluster.Config;
using VaeCluster.Config.Runs;
using VaeCluster.Protocol.V1;
using VaeCluster.Status.Web;

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
    private readonly RunHistory history;
    private readonly Action<string> tell;
    private readonly Task writing;

    /// <summary>Steps written.</summary>
    private long step = -1;
    private double seconds;
    private RunSeries? series;
    private volatile bool ending;

    /// <param name="folder">Of the run.</param>
    /// <param name="config">Of the run.</param>
    /// <param name="totalSteps">Of the whole run.</param>
    /// <param name="history">Shown the same, with what the folder has from before.</param>
    /// <param name="tell">Told a sentence when the folder can't be written, and when it can again.</param>
    public StepSeries(RunFolder folder, RunConfig config, long totalSteps, RunHistory history, Action<string> tell)
    {
        (this.folder, this.config, this.totalSteps, this.history, this.tell) = (folder, config, totalSteps, history, tell);
        writing = Task.Run(WriteAsync);
    }

    /// <summary>Does not block.</summary>
    public void Add(StepRecord record) => records.Writer.TryWrite(record);

    /// <summary>Everything is written when this ends.</summary>
    public async Task FinishAsync()
    {
        ending = true;
        records.Writer.TryComplete();
        await writing.ConfigureAwait(false);
        if (step == totalSteps) TakePictures();
        series?.Complete();
        series?.Dispose();
        series = null;
        WriteSummary();
    }

    public async ValueTask DisposeAsync()
    {
        ending = true;
        records.Writer.TryComplete();
        await writing.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        series?.Dispose();
    }

    private async Task WriteAsync()
    {
        Try(() => Show(folder.ReadMetrics()));
        await foreach (var record in records.Reader.ReadAllAsync().ConfigureAwait(false))
        {
            if ((long)record.Step != step) await OpenAsync((long)record.Step).ConfigureAwait(false);
            Write(record);
        }
    }

    private void Write(StepRecord record)
    {
        step = (long)record.Step + 1;
        seconds += record.Seconds;
        var losses = record.Losses;
        var row = new MetricsRow(step, (long)record.Epoch, record.Samples, losses.Loss, losses.Reconstruction, losses.Kl, losses.Psnr,
            losses.GradientNorm, losses.LearningRate, losses.Beta, record.Seconds > 0 ? record.Samples / record.Seconds : 0, seconds);
        series!.Add(row);
        history.Add(row);
        if (record.Validation is not { } validation) return;
        var validated = new ValidationRow(step, (long)record.Epoch, (long)validation.Samples, validation.Loss, validation.Reconstruction,
            validation.Kl, validation.Psnr, (int)validation.ActiveUnits);
        series.Add(validated);
        history.Add(validated);
        TakePictures();
    }

    private void TakePictures()
    {
        series?.TakePictures(step);
        Try(() => history.Show(folder.NewestPictures()));
    }

    private void Show(IReadOnlyList<MetricsRow> rows)
    {
        history.Show(rows, folder.ReadValidations());
        history.Show(folder.NewestPictures());
    }

    /// <summary>What can't be read now is not shown.</summary>
    private static void Try(Action show)
    {
        try
        {
            show();
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
        }
    }

    /// <summary>To append from this step on; while the folder can't be written, records wait.</summary>
    private async Task OpenAsync(long from)
    {
        series?.Dispose();
        series = null;
        for (var fails = false; series is null; fails = true)
        {
            try
            {
                series = RunSeries.Open(folder, from, tell);
            }
            catch (Exception exception) when (exception is IOException or UnauthorizedAccessException && !ending)
            {
                if (!fails) tell($"The run folder can't be written: {exception.Message} The series wait in memory until it can.");
                await Task.Delay(GrowingFile.Pause).ConfigureAwait(false);
            }
        }
        var before = folder.ReadMetrics();
        seconds = before.Count > 0 ? before[^1].Seconds : 0;
        Try(() => Show(before));
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
