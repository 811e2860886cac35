using System.Collections.Immutable;
using VaeCluster.Collectives;
using VaeCluster.Coordinator.Membership;

namespace VaeCluster.Coordinator.Plans;

/// <summary>Puts a plan together from its members.</summary>
internal static class PlanMaking
{
    /// <summary>Members that others copy the state from; more would only be more to read.</summary>
    private const int MostSources = 8;

    /// <summary>A plan that begins now, or the reason why these members can't make one.</summary>
    public static PlanDecision Install(PlanView view, IReadOnlyList<WorkerSnapshot> members, Func<WorkerSnapshot, bool> holdsState,
        Func<WorkerSnapshot, bool> takesSlots, ulong first, PlanCause cause, string reason)
    {
        // Who has to copy the state is spared the slots, unless the others can't take them all.
        var plan = Compose(view, members, holdsState, takesSlots, first, cause, reason)
            ?? Compose(view, members, holdsState, _ => true, first, cause, reason);
        return plan is null
            ? PlanDecision.Stay($"Waiting for workers: {Words.List(members)} can't take all {view.Run.Slots} slots.")
            : new(new PlanAction.Install(plan), reason);
    }

    /// <param name="view">What is known.</param>
    /// <param name="members">In the order of their ranks, as far as slots leave it.</param>
    /// <param name="holdsState">Who holds the state that the plan begins with.</param>
    /// <param name="takesSlots">Who may get slots.</param>
    /// <param name="first">Step that it begins with; null for a planned change.</param>
    /// <param name="cause">What made it necessary.</param>
    /// <param name="reason">The same, as a sentence.</param>
    /// <returns>Null when the members can't take all slots.</returns>
    public static Plan? Compose(PlanView view, IReadOnlyList<WorkerSnapshot> members, Func<WorkerSnapshot, bool> holdsState,
        Func<WorkerSnapshot, bool> takesSlots, ulong? first, PlanCause cause, string reason)
    {
        var run = view.Run;
        var workers = members.Where(takesSlots).ToList();
        var ranges = SlotDealing.Deal(run.Slots, [.. workers.Select(worker => worker.SlotSeconds)], [.. workers.Select(worker => worker.MostSlots)]);
        if (ranges is null) return null;

        var dealt = workers.Zip(ranges.Value).ToDictionary(pair => pair.First.Id, pair => pair.Second);
        var ranked = members
            .Select(worker => new PlanMember(worker.Id, worker.Endpoint, worker.BootId,
                dealt.GetValueOrDefault(worker.Id, new SlotRange(0, 0)), !holdsState(worker)))
            .OrderBy(member => !member.Contributes) // stable: contributors, then spares
            .ToImmutableArray();
        var sources = Enumerable.Range(0, ranked.Length).Where(rank => !ranked[rank].CopiesState).Take(MostSources).ToImmutableArray();
        if (sources.IsEmpty) return null;
        return new Plan
        {
            // After a halt the plan is the one that the halt announced.
            Generation = run.Halt?.Generation ?? run.NextGeneration,
            FirstStep = first,
            Slots = run.Slots,
            Members = ranked,
            Writer = Writer(run.Plan, ranked) ?? sources[0],
            Sources = sources,
            Cause = cause,
            Reason = reason,
        };
    }

    /// <summary>Stays who it was, so that a checkpoint under way has one writer.</summary>
    private static int? Writer(Plan? before, ImmutableArray<PlanMember> members)
    {
        if (before is null) return null;
        var rank = members.ToList().FindIndex(member => member.Worker == before.Members[before.Writer].Worker);
        return rank >= 0 && members[rank] is { CopiesState: false } ? rank : null;
    }
}
