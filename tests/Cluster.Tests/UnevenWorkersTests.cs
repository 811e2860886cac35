using VaeCluster.Coordinator.Runs;

namespace VaeCluster.Cluster.Tests;

/// <summary>Slots are dealt by measured speed; the weights do not know.</summary>
public sealed class UnevenWorkersTests
{
    [Fact]
    public async Task OneOfTwo_FourTimesAsSlow_GetsFewerSlotsAndTheWeightsAreTheSame()
    {
        const int slots = 16;
        var config = Configs.Tiny(160, batch: slots, slots: slots);
        var expected = TestCluster.WeightsOfOneProcess(config);
        await using var cluster = new TestCluster(config, "plans.min_members=2", "plans.rebalance_after=500ms");
        cluster.StartWorkers(2);
        await cluster.WaitForStepAsync(1);

        using (cluster.Workers["w2"].SlowDown(on: TimeSpan.FromMilliseconds(15), off: TimeSpan.FromMilliseconds(45)))
        {
            var status = await cluster.WaitAsync("w1 has most of the slots",
                status => SlotsOf(status, "w2") > 0 && SlotsOf(status, "w1") >= 2 * SlotsOf(status, "w2"));
            Assert.Equal(slots, SlotsOf(status, "w1") + SlotsOf(status, "w2"));
            await cluster.CompleteAsync();
        }

        Assert.Contains(cluster.Journal().OfType<PlanEntry>(), plan => plan.Reason.Contains("w2 takes", StringComparison.Ordinal));
        cluster.AssertJournal();
        Assert.True(cluster.Weights() == expected, $"The weights are others.\n{cluster.Said}");
    }

    private static int SlotsOf(Protocol.V1.RunStatus status, string worker) =>
        (int)(status.Plan?.Members.FirstOrDefault(member => member.WorkerId == worker)?.Slots ?? 0);
}
