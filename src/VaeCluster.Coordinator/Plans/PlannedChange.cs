using VaeCluster.Coordinator.Membership;
using static VaeCluster.Coordinator.Plans.PlanDecision;

namespace VaeCluster.Coordinator.Plans;

/// <summary>Changes that wait for the end of a step: joins, drains, spares that went, slots dealt by new speeds.</summary>
internal static class PlannedChange
{
    public static PlanDecision Decide(PlanView view)
    {
        var (run, plan) = (view.Run, view.Run.Plan!);
        var members = plan.Members.Select(member => view.FindAlive(member.Worker)).OfType<WorkerSnapshot>().Where(worker => worker.IsReady).ToList();
        var gone = Gone(view, [.. plan.Members.Where(member => view.FindAlive(member.Worker) is not { IsReady: true }).Select(member => member.Worker)]);
        var leaving = members.Where(worker => worker.IsLeaving).ToList();
        var staying = members.Where(worker => !worker.IsLeaving).ToList();
        var newcomers = view.Plannable.Where(worker => plan.RankOf(worker.Id) is null).OrderBy(worker => worker.Arrival).ToList();

        // 1. Who leaves hands its slots to somebody who holds the state; if there is nobody, it takes them along.
        var held = false;
        if (leaving.Count > 0 && !staying.Exists(worker => worker.IsSynced))
        {
            if (staying.Count == 0 && newcomers.Count == 0)
            {
                return new(new PlanAction.Release([.. leaving.Select(worker => worker.Id)]),
                    $"{Words.List(leaving)} {(leaving.Count == 1 ? "was" : "were")} asked to leave, and nobody else is ready.");
            }
            (staying, held) = (members, true);
        }

        // 2. Newcomers are gathered while others are on their way, or have just joined, unless there is a change anyway.
        var gathered = newcomers.Count == 0 ? TimeSpan.Zero : view.Now - newcomers.Min(worker => worker.AvailableSince);
        var others = view.Alive.Any(worker => !worker.IsReady) || (plan.Cause == PlanCause.Join && view.Now - run.PlanSince < view.Plans.GatherTime);
        var joins = newcomers.Count > 0 && (!others || gathered >= view.Plans.GatherTime || leaving.Count > 0 || gone.Count > 0);
        if (joins) staying = [.. staying, .. newcomers];

        // 3. What it would be, and whether that is worth a change.
        Plan? Make(PlanCause cause, string reason) => PlanMaking.Compose(view, staying, worker => worker.IsSynced, KeepsUp, null, cause, reason);

        // A spare that is behind, or hangs, would hold up all the others.
        bool KeepsUp(WorkerSnapshot worker) => worker.IsSynced && (plan.Find(worker.Id) is { Contributes: true } || worker.WorksUnder == plan.Generation);
        if (leaving.Count > 0 && !held)
            return Change(Make(PlanCause.Leave, $"{Words.List(leaving)} {Verb(leaving, "leaves", "leave")}."), plan);
        if (gone.Count > 0)
            return Change(Make(PlanCause.Leave, $"{Words.List(gone)} {(gone.Count == 1 ? "was a spare and is" : "were spares and are")} gone."), plan);
        if (joins)
            return Change(Make(PlanCause.Join, $"{Words.List(newcomers)} {Verb(newcomers, "joins", "join")}."), plan);

        var caughtUp = staying.Where(worker => worker.IsSynced && plan.Find(worker.Id) is { CopiesState: true, Contributes: false }).ToList();
        // They are gathered as well, while others copy.
        var late = caughtUp.Count == 0 || (plan.Members.Any(member => run.Find(member.Worker) is { IsReady: true, IsSynced: false })
            && view.Now - caughtUp.Min(worker => worker.AvailableSince) < view.Plans.GatherTime);
        if (!late && plan.Contributors.Count() < plan.Slots
            && Make(PlanCause.Contribute, $"{Words.List(caughtUp)} {Verb(caughtUp, "holds", "hold")} the state and {Verb(caughtUp, "takes", "take")} slots.") is { } wider
            && caughtUp.Exists(worker => wider.Find(worker.Id)!.Contributes))
            return new(new PlanAction.Change(wider), wider.Reason);

        return Rebalance(view, Make) ?? Stands(view, held ? leaving : [], newcomers);
    }

    /// <summary>Spares that went are gathered as well: no step waits for them, and of a thousand some go in each moment.</summary>
    private static List<string> Gone(PlanView view, List<string> gone)
    {
        var ripe = gone.Exists(id => view.Run.Find(id) is not { Stream: null } worker || view.Now - worker.LastHeard >= view.Plans.GatherTime);
        return ripe ? gone : [];
    }

    private static PlanDecision? Rebalance(PlanView view, Func<PlanCause, string, Plan?> make)
    {
        var (run, plan) = (view.Run, view.Run.Plan!);
        if (view.Now - run.PlanSince < view.Plans.RebalanceAfter) return null;
        double? Seconds(PlanMember member) => run.Find(member.Worker)?.SlotSeconds;
        var now = SlotDealing.Predict(plan.Contributors.Select(member => (member.Range.Count, Seconds(member))));
        // No dealing is faster than slots that could be cut at will; most of the time that says enough.
        var rate = plan.Members.Sum(member => run.Find(member.Worker) is { IsSynced: true, SlotSeconds: { } seconds } ? 1 / seconds : 0);
        if (now is not > 0 || plan.Slots / rate > now * (1 - view.Plans.RebalanceGain)) return null;
        if (make(PlanCause.Rebalance, "") is not { } better) return null;
        var then = SlotDealing.Predict(better.Contributors.Select(member => (member.Range.Count, Seconds(member))));
        if (then is null || then > now * (1 - view.Plans.RebalanceGain)) return null;

        var slowest = plan.Contributors.MaxBy(Seconds)!;
        var fastest = plan.Contributors.MinBy(Seconds)!;
        var reason = $"{slowest.Worker} takes {Seconds(slowest) / Seconds(fastest):0.0} times as long for a slot as {fastest.Worker}: "
            + $"dealing anew makes a step take {then / now:0.00} of the time.";
        return new(new PlanAction.Change(better with { Reason = reason }), reason);
    }

    private static PlanDecision Stands(PlanView view, List<WorkerSnapshot> held, List<WorkerSnapshot> newcomers)
    {
        var plan = view.Run.Plan!;
        var contributors = plan.Contributors.Count();
        var text = $"Plan {plan.Generation} stands: {contributors} {(contributors == 1 ? "contributor" : "contributors")} for {plan.Slots} slots.";
        var copying = plan.Members.Where(member => view.Run.Find(member.Worker) is { IsSynced: false }).ToList();
        if (held.Count > 0) text += $" {Words.List(held)} {Verb(held, "leaves", "leave")} once another member holds the state.";
        if (copying.Count > 0) text += $" {Words.List(copying.Select(member => member.Worker))} {Verb(copying, "copies", "copy")} the state.";
        if (newcomers.Count > 0) text += $" {Words.List(newcomers)} {Verb(newcomers, "is", "are")} gathered for the next one.";
        return Stay(text);
    }

    private static PlanDecision Change(Plan? plan, Plan before) => plan is null
        ? Stay($"Plan {before.Generation} stands: without it, the other members can't take all slots.")
        : new(new PlanAction.Change(plan), plan.Reason);

    private static string Verb<T>(IReadOnlyCollection<T> subjects, string one, string many) => subjects.Count == 1 ? one : many;
}
