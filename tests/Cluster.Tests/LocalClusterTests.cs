using System.Globalization;
using VaeCluster.Config.Runs;
using VaeCluster.Tests;

namespace VaeCluster.Cluster.Tests;

/// <summary>One command that starts a coordinator and workers.</summary>
public sealed class LocalClusterTests : IDisposable
{
    private const int Steps = 30;

    private readonly RunSandbox sandbox = new();

    public void Dispose() => sandbox.Dispose();

    [Fact]
    public void Train_ResumeChosen_WorkersGoOnFromThereToTheSameBits()
    {
        var config = sandbox.Write("run.yaml", Configs.Tiny(Steps).Replace("every_steps: 50", "every_steps: 10, keep_last: 3", StringComparison.Ordinal));
        Train(config, 2).AssertSuccess();
        var weights = Weights();
        Assert.Equal(TestCluster.WeightsOfOneProcess(Configs.Tiny(Steps)), weights);

        Train(config, 2, "--resume", "7").AssertUserError("there is no checkpoint of step 7; there are those of steps 10, 20, 30");
        Assert.Contains("Give it more with --steps", Train(config, 2, "--resume", "20", "--steps", "15").Errors, StringComparison.Ordinal);
        Assert.Equal(weights, Weights());

        AssertGoesOn("10", workers: 3, first: 10);
        Directory.Delete(Path.Combine(sandbox.Run, "checkpoints", "step-000000000030"), recursive: true);
        AssertGoesOn("best", workers: 1, first: 20);

        void AssertGoesOn(string choice, int workers, int first)
        {
            var log = Path.Combine(sandbox.Run, "logs", "coordinator.log");
            File.Delete(log);
            Train(config, workers, "--resume", choice).AssertSuccess();
            var said = File.ReadAllText(log);
            Assert.Matches($"begins? with step {first}\\.", said);
            // The workers of the coordinator before this one ended with it.
            Assert.DoesNotContain("restarted", said, StringComparison.Ordinal);
            Assert.Equal(weights, Weights());
            using var folder = RunFolder.Open(sandbox.Run);
            Assert.Equal(Enumerable.Range(1, Steps), folder.ReadMetrics().Select(row => (int)row.Step));
        }
    }

    private ProgramRun Train(string config, int workers, params string[] more) =>
        sandbox.Train(config, ["--workers", workers.ToString(CultureInfo.InvariantCulture), .. more]);

    private string Weights() => TestCluster.WeightsOf(sandbox.Run);
}
