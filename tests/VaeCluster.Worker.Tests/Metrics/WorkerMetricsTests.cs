using System.Diagnostics;
using System.Globalization;
using Prometheus;
using VaeCluster.Checkpoints;
using VaeCluster.Collectives;
using VaeCluster.Data.Pipeline;
using VaeCluster.Models.Objectives;
using VaeCluster.Worker.Links;
using VaeCluster.Worker.Metrics;
using VaeCluster.Worker.Training;

namespace VaeCluster.Worker.Tests.Metrics;

public sealed class WorkerMetricsTests
{
    private const string Promtool = "/usr/bin/promtool";
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(60);

    private readonly CollectorRegistry registry = Prometheus.Metrics.NewCustomRegistry();
    private readonly WorkerMetrics metrics;

    public WorkerMetricsTests() => metrics = new(Prometheus.Metrics.WithCustomRegistry(registry));

    [Fact]
    public async Task Step_Done_ShowsLossesTimesAndCounts()
    {
        metrics.Step(Outcome(step: 7, seconds: 0.5, updated: true));
        metrics.Step(Outcome(step: 8, seconds: 0.25, updated: false));
        metrics.StepRedone();

        var values = await ValuesAsync();
        Assert.Equal(8, values["vaecluster_worker_completed_steps"]);
        Assert.Equal(12.5, values["vaecluster_worker_loss{part=\"total\"}"]);
        Assert.Equal(1e-3, values["vaecluster_worker_loss{part=\"learning_rate\"}"]);
        Assert.Equal(1, values["vaecluster_worker_loss{part=\"beta\"}"]);
        Assert.Equal(64 / 0.25, values["vaecluster_worker_run_images_per_second"]);
        Assert.Equal(128, values["vaecluster_worker_run_images_total"]);
        Assert.Equal((1.0, 1.0), (values["vaecluster_worker_steps_skipped_total"], values["vaecluster_worker_steps_redone_total"]));
        Assert.Equal((0.75, 2.0), (values["vaecluster_worker_step_duration_seconds_sum"], values["vaecluster_worker_step_duration_seconds_count"]));
        Assert.Equal(0.12, Math.Round(values["vaecluster_worker_exchange_seconds_total"], 9));
        string[] parts = ["data", "forward", "backward", "exchange", "update"];
        Assert.Equal([0.02, 0.04, 0.06, 0.08, 0.10], parts.Select(part => Math.Round(values[$"vaecluster_worker_step_part_seconds_sum{{part=\"{part}\"}}"], 9)));
    }

    [Fact]
    public async Task Step_Copied_MovesOnWithoutTimes()
    {
        metrics.Holds(100);
        metrics.Step(Outcome(step: 101, seconds: 0, updated: true));

        var values = await ValuesAsync();
        Assert.Equal((101, 0), (values["vaecluster_worker_completed_steps"], values["vaecluster_worker_step_duration_seconds_count"]));
    }

    [Fact]
    public async Task Plan_InForceAndLeft_ShowsMembersAndSlots()
    {
        metrics.Plan(new Generation(2, 5), contributing: 3, spare: 1, ownSlots: 4);
        var values = await ValuesAsync();
        Assert.Equal((2, 5, 4), (values["vaecluster_worker_plan_term"], values["vaecluster_worker_plan_number"], values["vaecluster_worker_slots"]));
        Assert.Equal((3, 1), (values["vaecluster_worker_members{role=\"contributor\"}"], values["vaecluster_worker_members{role=\"spare\"}"]));

        metrics.NoPlan();
        values = await ValuesAsync();
        Assert.Equal((0, 0), (values["vaecluster_worker_plan_number"], values["vaecluster_worker_slots"]));
    }

    [Fact]
    public async Task Checkpoint_OfEachOutcome_IsCounted()
    {
        metrics.Checkpoint(new CheckpointAttemptFailed(10, 1, "full", new IOException(), TimeSpan.FromSeconds(1)));
        metrics.Checkpoint(new CheckpointSaved(10, "step-10", 1 << 20, TimeSpan.FromSeconds(3), 2, [], null));
        metrics.Checkpoint(new CheckpointSuperseded(11, 12));
        metrics.Checkpoint(new CheckpointRefused(12, "fenced"));
        metrics.Checkpoint(new CheckpointAbandoned(13));

        var values = await ValuesAsync();
        foreach (var outcome in new[] { "saved", "attempt_failed", "superseded", "refused", "abandoned" })
            Assert.Equal(1, values[$"vaecluster_worker_checkpoints_total{{outcome=\"{outcome}\"}}"]);
        Assert.Equal((10, 1 << 20, 3), (values["vaecluster_worker_checkpoint_completed_steps"], values["vaecluster_worker_checkpoint_size_bytes"], values["vaecluster_worker_checkpoint_duration_seconds_sum"]));
    }

    [Fact]
    public async Task Traffic_OfEachKind_HasItsSeries()
    {
        metrics.Traffic((10, 20), (4, 5), 30, _ => 1);

        var values = await ValuesAsync();
        Assert.Equal(Enum.GetValues<StreamRefusal>().Length, values.Count(entry => entry.Key.StartsWith("vaecluster_worker_streams_refused_total{", StringComparison.Ordinal) && entry.Value == 1));
        Assert.Equal(1, values["vaecluster_worker_streams_refused_total{reason=\"stale_generation\"}"]);
        Assert.Equal(1, values["vaecluster_worker_segments_refused_total"]);
        Assert.Equal((6, 15), (Exchanged("sent", "grpc"), Exchanged("received", "grpc")));
        Assert.Equal((4, 5), (Exchanged("sent", "shared"), Exchanged("received", "shared")));
        Assert.Equal(30, values["vaecluster_worker_state_served_bytes_total"]);

        double Exchanged(string direction, string transport) =>
            values[$"vaecluster_worker_exchange_bytes_total{{direction=\"{direction}\",transport=\"{transport}\"}}"];
    }

    [Fact]
    public async Task Validation_Done_TellsActiveUnits()
    {
        Assert.Equal(double.NaN, (await ValuesAsync())["vaecluster_worker_active_units"]);
        metrics.Validation(new ValidationOutcome(1, Losses, 3));

        var values = await ValuesAsync();
        Assert.Equal((3, 11), (values["vaecluster_worker_active_units"], values["vaecluster_worker_validation_loss{part=\"total\"}"]));
    }

    [Fact]
    public async Task Pace_ShowsTheImagesReadAheadAndTheSlots()
    {
        metrics.Pace(new PipelineSnapshot(Images: 100, Takes: 9, TimeSpan.Zero, Ready: 4, Broken: 1, CacheHits: 60, CacheMisses: 40, CacheBytes: 5000), 0.25);

        var values = await ValuesAsync();
        Assert.Equal((100, 4, 1, 0.25), (values["vaecluster_worker_images_loaded_total"], values["vaecluster_worker_ready_batches"],
            values["vaecluster_worker_broken_images"], values["vaecluster_worker_slot_seconds"]));
        Assert.Equal((60, 40, 5000), (values["vaecluster_worker_cache_lookups_total{result=\"hit\"}"], values["vaecluster_worker_cache_lookups_total{result=\"miss\"}"],
            values["vaecluster_worker_cache_size_bytes"]));
    }

    /// <summary>Whatever it is said to have gone into, no time is lost and none is counted twice.</summary>
    [Fact]
    public async Task TrainingTime_Parts_AddUpToTheTimeThatWent()
    {
        var begun = Stopwatch.GetTimestamp();
        var time = new TrainingTime(metrics);
        foreach (var part in Enum.GetValues<TimePart>())
        {
            SpinWait.SpinUntil(() => false, 2);
            time.WentInto(part);
        }
        var most = Stopwatch.GetElapsedTime(begun).TotalSeconds;

        var spent = (await ValuesAsync()).Where(entry => entry.Key.StartsWith("vaecluster_worker_time_seconds_total{", StringComparison.Ordinal)).ToDictionary();
        Assert.Equal(["lost", "save", "step", "validation", "wait"], spent.Keys.Select(key => key.Split('"')[1]).Order(StringComparer.Ordinal));
        Assert.All(spent.Values, seconds => Assert.True(seconds >= 0.001, $"{seconds}"));
        Assert.InRange(spent.Values.Sum(), 0.005, most);
    }

    [Fact]
    public async Task Export_OfAll_KeepsPrometheusConventions()
    {
        Assert.SkipUnless(File.Exists(Promtool), $"no {Promtool}: eng/setup.sh test installs it");
        metrics.Step(Outcome(step: 1, seconds: 0.5, updated: true));
        metrics.Validation(new ValidationOutcome(1, Losses, 3));
        metrics.Traffic((10, 20), (4, 5), 30, _ => 0);
        var text = await ExportAsync();

        Assert.Equal((0, ""), await CheckAsync(text));
        // So that finding nothing means something: a counter without its suffix is found.
        Assert.NotEqual("", (await CheckAsync(text.Replace("_images_total", "_images", StringComparison.Ordinal))).Output);
    }

    private static LossReport Losses => new(64, Loss: 11, Recon: 9, Kl: 2, ReconPerPixel: 0.1, KlPerLatent: 0.5, Psnr: 21);

    private static StepOutcome Outcome(long step, double seconds, bool updated) => new(step, 0, 64, 12.5, 10, 2.5, 20, 0.7, 1e-3, 1, updated,
        TimeSpan.FromSeconds(seconds), new StepParts(Ms(10), Ms(20), Ms(30), Ms(40), Ms(50)) { WholeExchange = Ms(60) });

    private static TimeSpan Ms(double value) => TimeSpan.FromMilliseconds(value);

    private async Task<string> ExportAsync()
    {
        using var text = new MemoryStream();
        await registry.CollectAndExportAsTextAsync(text, TestContext.Current.CancellationToken);
        return System.Text.Encoding.UTF8.GetString(text.ToArray());
    }

    /// <summary>Each series by its name with labels.</summary>
    private async Task<Dictionary<string, double>> ValuesAsync() => (await ExportAsync()).Split('\n')
        .Where(line => line.Length > 0 && line[0] != '#')
        .ToDictionary(line => line[..line.LastIndexOf(' ')], line => double.Parse(line[(line.LastIndexOf(' ') + 1)..], CultureInfo.InvariantCulture));

    private static async Task<(int ExitCode, string Output)> CheckAsync(string text)
    {
        using var promtool = Process.Start(new ProcessStartInfo(Promtool, ["check", "metrics"])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        })!;
        var (output, errors) = (promtool.StandardOutput.ReadToEndAsync(), promtool.StandardError.ReadToEndAsync());
        await promtool.StandardInput.WriteAsync(text);
        promtool.StandardInput.Close();
        await promtool.WaitForExitAsync().WaitAsync(Deadline, TestContext.Current.CancellationToken);
        return (promtool.ExitCode, await output + await errors);
    }
}
