namespace VaeCluster.Cluster.Tests;

/// <summary>The weights after step t are a function of (config, data, seed, t), and not of how many workers ran.</summary>
public sealed class SameBitsTests
{
    [Fact]
    public async Task Tiny_AnyNumberOfWorkers_HasTheWeightsOfOneProcess() => await AssertSame(Configs.Tiny(60));

    [Fact]
    public async Task Mnist_AnyNumberOfWorkers_HasTheWeightsOfOneProcess() => await AssertSame(Configs.Mnist(60));

    private static async Task AssertSame(string config)
    {
        var expected = TestCluster.WeightsOfOneProcess(config);
        foreach (var workers in (int[])[1, 2, 3, 4, 5, 8])
        {
            await using var cluster = new TestCluster(config, $"plans.min_members={workers}");
            cluster.StartWorkers(workers);
            await cluster.CompleteAsync();
            cluster.AssertJournal();
            Assert.True(cluster.Weights() == expected, $"{workers} workers have other weights.\n{cluster.Said}");
        }
    }
}
