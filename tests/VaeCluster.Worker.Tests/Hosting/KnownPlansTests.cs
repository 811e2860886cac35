using VaeCluster.Protocol.V1;
using VaeCluster.Worker.Hosting;
using VaeCluster.Worker.Links;

namespace VaeCluster.Worker.Tests.Hosting;

public sealed class KnownPlansTests
{
    /// <summary>The others wait for its part in the plan that comes first, whatever was announced after it.</summary>
    [Fact]
    public void SwitchTo_SpareThatIsBehindWithTwoPlans_TakesTheFirst()
    {
        var plans = new KnownPlans();
        foreach (var plan in (MemberPlan[])[PlanOf(1), PlanOf(2), PlanOf(3)])
        {
            Assert.True(plans.IsNews(plan));
            plans.Open(plan);
            if (plans.Current is null) plans.TakeUp(plan);
            else plans.Announce(plan);
        }

        var first = plans.SwitchTo(new(1, 2));
        Assert.Equal(2UL, first!.Generation.Number);
        plans.TakeUp(first);
        Assert.Equal(3UL, plans.Next!.Generation.Number);
        Assert.False(plans.IsNews(PlanOf(3)));
        Assert.Equal(3UL, plans.SwitchTo(new(1, 3))!.Generation.Number);
        Assert.Null(plans.Next);
    }

    [Fact]
    public void SwitchTo_PlanThatIsStillToCome_IsAwaited()
    {
        var plans = new KnownPlans();
        plans.TakeUp(PlanOf(1));

        Assert.Null(plans.SwitchTo(new(1, 2)));
        Assert.True(plans.IsAwaiting);
        plans.Announce(PlanOf(2));
        Assert.Equal(2UL, plans.SwitchToAwaited()!.Generation.Number);
        Assert.False(plans.IsAwaiting);
    }

    private static MemberPlan PlanOf(ulong number) => MemberPlan.Read(new Plan
    {
        Generation = new() { Term = 1, Number = number },
        Slots = 2,
        Members = { new Protocol.V1.Member { WorkerId = "w1", Endpoint = "http://127.0.0.1:1", Slots = 2 }, new Protocol.V1.Member { WorkerId = "w2", Endpoint = "http://127.0.0.1:2" } },
        Sources = { 0 },
    }, "w2");
}
