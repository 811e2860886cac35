using VaeCluster.Collectives;
using VaeCluster.Worker.Links;

namespace VaeCluster.Worker.Hosting;

/// <summary>
/// The plans that a member has heard of: the one it works under, the one it will switch to, and which of those that come
/// are news. A halt and the plan that follows it have one generation; what is known is told again to who connects anew.
/// </summary>
internal sealed class KnownPlans
{
    /// <summary>To switch to, each after the first step in which all who compute held it; in order. A spare that is behind has several.</summary>
    private readonly List<MemberPlan> announced = [];

    /// <summary>The newest plan that links were opened for: whatever became of it, it is not taken up again.</summary>
    private Generation opened;

    /// <summary>Others have switched to this plan, which has not come here yet.</summary>
    private Generation awaited;

    /// <summary>The plan in force here.</summary>
    public MemberPlan? Current { get; private set; }

    /// <summary>The newest to switch to.</summary>
    public MemberPlan? Next => announced.LastOrDefault();

    /// <summary>Of all plans and halts heard of.</summary>
    public Generation Newest { get; private set; }

    /// <summary>The others go on under a plan that is still to come: no round can begin.</summary>
    public bool IsAwaiting => awaited != default;

    /// <summary>It has no slots, now or after the switch.</summary>
    public bool IsSpare => (Next ?? Current) is { IsMember: true, Self.IsSpare: true };

    public bool IsNews(MemberPlan heard)
    {
        if (heard.Generation < Newest || heard.Generation <= opened || (heard.Generation == Newest && Next is not null)) return false;
        Newest = heard.Generation;
        return true;
    }

    /// <param name="halt">Its generation.</param>
    public bool IsNews(Generation halt)
    {
        if (halt <= Newest) return false;
        Newest = halt;
        return true;
    }

    /// <summary>Links are opened for it.</summary>
    public void Open(MemberPlan plan)
    {
        if (plan.Generation > opened) opened = plan.Generation;
    }

    public void TakeUp(MemberPlan plan)
    {
        Open(plan);
        Current = plan;
    }

    public void Announce(MemberPlan plan) => announced.Add(plan);

    /// <summary>All who compute held this generation: its plan is in force. Where it has not come yet, it is awaited.</summary>
    /// <returns>The plan to switch to; null where it is still to come.</returns>
    public MemberPlan? SwitchTo(Generation generation)
    {
        awaited = generation;
        return SwitchToAwaited();
    }

    /// <inheritdoc cref="SwitchTo"/>
    public MemberPlan? SwitchToAwaited()
    {
        // Not a newer one that has come as well: the others may be waiting for this member's part in the one before.
        var at = IsAwaiting ? announced.FindIndex(plan => plan.Generation >= awaited) : -1;
        if (at < 0) return null;
        var plan = announced[at];
        announced.RemoveRange(0, at + 1);
        awaited = default;
        return plan;
    }

    /// <summary>No part in the plan any more.</summary>
    public void Leave()
    {
        Current = null;
        announced.Clear();
    }

    /// <summary>Nothing is in force, and nothing is switched to.</summary>
    /// <returns>Whether anything was.</returns>
    public bool End()
    {
        var had = Current is not null || Next is not null;
        (Current, awaited) = (null, default);
        announced.Clear();
        return had;
    }
}
