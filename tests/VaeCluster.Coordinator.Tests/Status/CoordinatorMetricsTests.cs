using System.Globalization;
using Prometheus;
using VaeCluster.Coordinator.Runs;
using VaeCluster.Coordinator.Status;
using VaeCluster.Coordinator.Tests.Plans;
using VaeCluster.Protocol.V1;

namespace VaeCluster.Coordinator.Tests.Status;

public sealed class CoordinatorMetricsTests
{
    private readonly CollectorRegistry registry = Metrics.NewCustomRegistry();
    private readonly CoordinatorMetrics metrics;

    public CoordinatorMetricsTests() => metrics = new(Metrics.WithCustomRegistry(registry));

    [Fact]
    public async Task Show_OfASlowMember_TellsHowSlow()
    {
        var (simulation, workers) = WorkerLossTests.Running(3, slots: 16);
        Assert.Equal(1, await ValueAsync(simulation, "vaecluster_slow_worker_score"));

        (workers[0].SlotSeconds, workers[1].SlotSeconds, workers[2].SlotSeconds) = (0.01, 0.01, 0.04);
        simulation.Advance(2);
        Assert.Equal(4, await ValueAsync(simulation, "vaecluster_slow_worker_score"), 0.02);
    }

    [Fact]
    public async Task Show_AfterACheckpoint_CountsItsAgeAnew()
    {
        var (simulation, workers) = WorkerLossTests.Running(2);
        simulation.Advance(20);
        Assert.Equal(simulation.Now.TotalSeconds, await ValueAsync(simulation, "vaecluster_checkpoint_age_seconds"));

        simulation.Say(workers[0], new WorkerMessage { Run = simulation.Run.Run, CheckpointWritten = new() { CompletedSteps = 1, Path = "checkpoints/step-1" } });
        simulation.Advance(5);
        Assert.Equal(5, await ValueAsync(simulation, "vaecluster_checkpoint_age_seconds"), 0.001);
    }

    [Fact]
    public async Task Describe_TellsTheRun()
    {
        metrics.Describe("run-1", new RunDescription("/runs/a", "", 8) { Model = "digits", Preset = "mnist", Version = "1.2.3" });
        Assert.Contains("vaecluster_run_info{run=\"run-1\",model=\"digits\",preset=\"mnist\",version=\"1.2.3\"} 1", await ExportAsync(), StringComparison.Ordinal);
    }

    private async Task<double> ValueAsync(Simulation simulation, string name)
    {
        metrics.Show(simulation.Run, simulation.Now, simulation.Options.Lease);
        var line = (await ExportAsync()).Split('\n').Single(line => line.StartsWith(name + " ", StringComparison.Ordinal));
        return double.Parse(line[(name.Length + 1)..], CultureInfo.InvariantCulture);
    }

    private async Task<string> ExportAsync()
    {
        using var text = new MemoryStream();
        await registry.CollectAndExportAsTextAsync(text, TestContext.Current.CancellationToken);
        return System.Text.Encoding.UTF8.GetString(text.ToArray());
    }
}
