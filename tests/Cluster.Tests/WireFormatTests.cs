using VaeCluster.Coordinator.Runs;

namespace VaeCluster.Cluster.Tests;

/// <summary>bf16 between members: other weights than fp32 gives, the same for all members and whenever the plan is the same.</summary>
public sealed class WireFormatTests
{
    [Fact]
    public async Task Bf16_ThreeWorkers_HoldOneStateThatFollowsFromThePlan()
    {
        var first = await TrainAsync();
        var second = await TrainAsync();

        Assert.Equal(first, second);
        Assert.NotEqual(TestCluster.WeightsOfOneProcess(Configs.Tiny(20)), first);
    }

    private static async Task<string> TrainAsync()
    {
        // Slots dealt anew by measured speed would be another plan.
        await using var cluster = new TestCluster(Configs.Tiny(20, more: ", wire: bf16, hash_steps: 1"), "plans.min_members=3", "plans.rebalance_after=1h");
        cluster.StartWorkers(3);
        await cluster.CompleteAsync();
        cluster.AssertJournal();

        // A member whose hash differs from the others' after any step is put out by another plan.
        var journal = cluster.Journal();
        Assert.Equal([3], journal.OfType<PlanEntry>().Select(plan => plan.Members.Count));
        Assert.All(journal.OfType<StepEntry>(), step => Assert.NotNull(step.StateSha256));
        return cluster.Weights();
    }
}
