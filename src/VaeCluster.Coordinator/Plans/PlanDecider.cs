using System.Collections.Immutable;
using VaeCluster.Coordinator.Membership;
using static VaeCluster.Coordinator.Plans.PlanDecision;
using Wire = VaeCluster.Protocol.V1;

namespace VaeCluster.Coordinator.Plans;

/// <summary>
/// What the coordinator does next, as a pure function of what it knows, the time and the options. The order:
/// the run's end, the time after a restart, a halt in progress (<see cref="AfterHalt"/>), a plan in force
/// (<see cref="InForce"/>), no plan. Asked again after each action until there is none.
/// </summary>
public static class PlanDecider
{
    public static PlanDecision Decide(RunSnapshot run, TimeSpan now, PlanOptions plans, LeaseOptions lease)
    {
        ArgumentNullException.ThrowIfNull(run);
        ArgumentNullException.ThrowIfNull(plans);
        ArgumentNullException.ThrowIfNull(lease);
        var view = new PlanView(run, now, plans, lease);

        // 1. The run's end.
        if (run.Finished is { } finished) return Stay(finished.Reason);
        if (RepeatedFailure(run) is { } failure)
            return new(new PlanAction.Finish(Wire.Finish.Types.Kind.Failed), failure);
        if (run.TotalSteps > 0 && run.RecordedSteps >= run.TotalSteps && AllAre(view, run.TotalSteps))
            return new(new PlanAction.Finish(Wire.Finish.Types.Kind.Completed), $"All {run.TotalSteps} steps are done and recorded.");

        // 2. Workers have trained on while the coordinator was away: go on with what they do.
        if (run.AdoptUntil is { } until) return AfterRestart(view, until);

        // 3. A plan was ended: another, once all have answered.
        if (run.Halt is not null) return AfterHalt.Decide(view);

        // 4. A plan is in force: keep it, change it, or end it.
        if (run.Plan is not null) return InForce.Decide(view);

        // 5. None.
        return WithoutPlan(view);
    }

    /// <summary>The records are one member's word; the others have to be there too.</summary>
    private static bool AllAre(PlanView view, ulong completedSteps) => (view.Run.Plan?.Contributors ?? [])
        .All(member => view.FindAlive(member.Worker) is not { } worker || worker.CompletedSteps >= completedSteps);

    private static string? RepeatedFailure(RunSnapshot run) => run.SlotFailures.FirstOrDefault(failure => failure.EndsRun)?.Error ?? run.SlotFailures
        .GroupBy(failure => failure.Slot)
        .Where(group => group.DistinctBy(failure => failure.Worker).Count() > 1)
        .Select(group => $"Slot {group.Key} failed on {Words.List(group.Select(failure => failure.Worker).Distinct())}: {group.Last().Error}")
        .FirstOrDefault();

    private static PlanDecision AfterRestart(PlanView view, TimeSpan until)
    {
        var run = view.Run;
        if (run.ToldPlan is not { } told)
        {
            return view.Now < until
                ? Stay("The coordinator restarted: the workers have a lease's time to come back.")
                : new(new PlanAction.Adopt(null, null, null), "No worker came back with a plan.");
        }

        var missing = told.Members.Where(member => view.FindAlive(member.Worker)?.WorksUnder != told.Generation).ToList();
        var names = Words.List(missing.Select(member => member.Worker));
        // What a peer lost too will not come back.
        var hopeless = missing.TrueForAll(member => run.Reports.Any(report => report.Lost == member.Worker));
        if (missing.Count > 0 && !hopeless && view.Now < until)
            return Stay($"The coordinator restarted: {names} of plan {told.Generation} {(missing.Count == 1 ? "has" : "have")} a lease's time to come back.");
        return missing.Exists(member => member.Contributes)
            ? new(new PlanAction.Adopt(told, null, $"{names} did not come back."), $"Plan {told.Generation} is adopted without {names}.")
            : new(new PlanAction.Adopt(told, run.ToldNext, null), $"Plan {told.Generation} is adopted from its {told.Members.Length} members.");
    }

    private static PlanDecision WithoutPlan(PlanView view)
    {
        var run = view.Run;
        // Cut off from us for a while, and thought lost: they have to stop before others begin.
        if (view.Alive.FirstOrDefault(worker => worker.WorksUnder is not null) is { } working)
            return new(new PlanAction.Halt(PlanCause.Adoption), $"{working} works under plan {working.WorksUnder}, which was given up.");
        var leaving = view.Alive.Where(worker => worker.IsLeaving).Select(worker => worker.Id).ToImmutableArray();
        if (!leaving.IsEmpty) return new(new PlanAction.Release(leaving), $"{Words.List(leaving)} may leave: no plan is in force.");

        var ready = view.Plannable.OrderBy(worker => worker.Arrival).ToList();
        // Who was put out for good has come, and is there still: nobody waits for another one in its place.
        var outForGood = run.Workers.Values.Count(worker => worker is { Out.Until: null, Stream: not null, IsLeaving: false });
        if (ready.Count == 0 || ready.Count + outForGood < view.Plans.MinMembers)
        {
            var waits = ready.Count == 0 ? "none is ready" : $"{ready.Count} of {view.Plans.MinMembers} are ready";
            return Stay($"Waiting for workers: {waits}{Kept(view)}.");
        }

        // Somebody has to hold a state.
        var holders = ready.Where(worker => worker.CompletedSteps is not null).ToList();
        var restoring = ready.Where(worker => worker.IsRestoring).ToList();
        if (holders.Count == 0)
        {
            var idle = ready.Except(restoring).Select(worker => worker.Id).ToImmutableArray();
            return idle.IsEmpty
                ? Stay($"Waiting for {Words.List(restoring)} to load the newest checkpoint.")
                : new(new PlanAction.Restore(idle), $"Nobody holds the state: {Words.List(idle)} {(idle.Length == 1 ? "loads" : "load")} the newest checkpoint.");
        }
        if (restoring.Count > 0 && view.Now - holders.Min(worker => worker.AvailableSince) < view.Plans.GatherTime)
            return Stay($"Gathering: {Words.List(restoring)} still {(restoring.Count == 1 ? "loads" : "load")} the checkpoint.");

        var first = holders.Max(worker => worker.CompletedSteps!.Value);
        return PlanMaking.Install(view, ready, worker => worker.CompletedSteps == first, holders.Contains, first, PlanCause.Start,
            $"{Words.List(ready)} {(ready.Count == 1 ? "is" : "are")} ready and {(ready.Count == 1 ? "begins" : "begin")} with step {first}.");
    }

    private static string Kept(PlanView view)
    {
        var kept = view.Run.Workers.Values.FirstOrDefault(worker => worker.Out is not null && view.WhyNot(worker.Id) is not null);
        return kept is null ? "" : $" ({kept} is kept out: it {kept.Out!.Reason})";
    }
}
