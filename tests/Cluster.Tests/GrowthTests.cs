namespace VaeCluster.Cluster.Tests;

/// <summary>A thousand steps leave nothing behind them.</summary>
public sealed class GrowthTests
{
    private const ulong WarmUp = 300, Steps = 1000;

    /// <summary>What a warm process may still take: tables that double, code that is compiled anew.</summary>
    private const double Slack = 24e6;

    /// <summary>With a youngest generation so small; with the usual one there are none.</summary>
    private const double MostFullCollections = 5;

    /// <summary>Bytes, in hexadecimal, of the youngest generation: what has not been collected yet would look like growth.</summary>
    private static readonly (string Name, string Value) SmallNursery = ("DOTNET_GCgen0size", "400000");

    [Theory]
    [InlineData("auto")]
    [InlineData("grpc")]
    public async Task Train_AThousandSteps_NoGrowthAndHardlyAFullCollection(string transport)
    {
        // Some 3 MB of gradients: an array of them in each step would fill the large object heap many times over.
        await using var cluster = TestCluster.With([SmallNursery], $$"""
            model: {preset: mnist}
            data: {source: "shapes:?count=32&size=28", size: 28, threads: 1}
            train: {batch: 4, slots: 2, steps: 1000000, seed: 7, threads: 1, validate_steps: 1000000}
            checkpoints: {every_steps: 1000000}
            cluster: {transport: {{transport}}}
            """, "plans.min_members=2");
        cluster.StartWorkers(2);
        var first = await cluster.WaitForStepAsync(WarmUp);
        var before = await LookAsync(cluster);
        await cluster.WaitForStepAsync(first.CompletedSteps + Steps);
        var after = await LookAsync(cluster);

        Assert.All(before.Zip(after), worker =>
        {
            Assert.InRange(worker.Second.FullCollections - worker.First.FullCollections, 0, MostFullCollections);
            Assert.InRange(worker.Second.Bytes - worker.First.Bytes, double.NegativeInfinity, Slack);
        });
    }

    private static async Task<IReadOnlyList<(double FullCollections, double Bytes)>> LookAsync(TestCluster cluster)
    {
        List<(double, double)> seen = [];
        foreach (var id in cluster.Workers.Keys)
            seen.Add((await cluster.MetricAsync(id, "dotnet_collection_count_total{generation=\"2\"}"), await cluster.MetricAsync(id, "process_working_set_bytes")));
        TestContext.Current.SendDiagnosticMessage("{0}", string.Join(", ", seen));
        return seen;
    }
}
