using System.Diagnostics.CodeAnalysis;
using VaeCluster.Protocol.V1;

namespace VaeCluster.Protocol.Plans;

/// <summary>
/// A plan names each member by its id, endpoint and boot id, which is most of its bytes, and goes to each member. So names are
/// told once on a stream: a later plan points to where they stand in the plan before.
/// </summary>
public static class PlanNames
{
    /// <summary>The plan without the names that <paramref name="before"/> has.</summary>
    /// <param name="plan">With all names. It is left as it is.</param>
    /// <param name="before">What was sent last on the same stream, with all names; null for nothing.</param>
    public static Plan Shorten(Plan plan, Plan? before)
    {
        ArgumentNullException.ThrowIfNull(plan);
        if (before is null) return plan;
        var ranks = new Dictionary<string, int>(before.Members.Count, StringComparer.Ordinal);
        for (var rank = 0; rank < before.Members.Count; rank++) ranks[before.Members[rank].WorkerId] = rank;

        var shorter = WithoutMembers(plan);
        shorter.Members.Capacity = plan.Members.Count;
        foreach (var member in plan.Members)
        {
            var isKnown = ranks.TryGetValue(member.WorkerId, out var rank) && before.Members[rank] is var known
                && known.Endpoint == member.Endpoint && known.BootId == member.BootId;
            shorter.Members.Add(isKnown
                ? new Member { EarlierRank = (uint)rank, FirstSlot = member.FirstSlot, Slots = member.Slots, CopiesState = member.CopiesState }
                : member);
        }
        return shorter;
    }

    /// <summary>The plan with all names.</summary>
    /// <param name="plan">As it came.</param>
    /// <param name="before">What came last on the same stream, with all names; null for nothing.</param>
    /// <param name="complete">What the plan says, with names.</param>
    /// <returns>False where it points to a member that was not there.</returns>
    public static bool TryComplete(Plan plan, Plan? before, [NotNullWhen(true)] out Plan? complete)
    {
        ArgumentNullException.ThrowIfNull(plan);
        complete = plan;
        if (!plan.Members.Any(member => member.HasEarlierRank)) return true;
        complete = WithoutMembers(plan);
        foreach (var member in plan.Members)
        {
            if (!member.HasEarlierRank)
            {
                complete.Members.Add(member);
                continue;
            }
            if (member.EarlierRank >= before?.Members.Count || before is null)
            {
                complete = null;
                return false;
            }
            var known = before.Members[(int)member.EarlierRank];
            complete.Members.Add(new Member
            {
                WorkerId = known.WorkerId,
                Endpoint = known.Endpoint,
                BootId = known.BootId,
                FirstSlot = member.FirstSlot,
                Slots = member.Slots,
                CopiesState = member.CopiesState,
            });
        }
        return true;
    }

    private static Plan WithoutMembers(Plan plan)
    {
        var copy = new Plan { Generation = plan.Generation, Slots = plan.Slots, Reason = plan.Reason, Writer = plan.Writer };
        if (plan.HasFirstStep) copy.FirstStep = plan.FirstStep;
        copy.Sources.AddRange(plan.Sources);
        return copy;
    }
}
