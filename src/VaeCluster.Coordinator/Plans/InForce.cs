using VaeCluster.Coordinator.Membership;
using VaeCluster.Protocol.Segments;
using static VaeCluster.Coordinator.Plans.PlanDecision;

namespace VaeCluster.Coordinator.Plans;

/// <summary>A plan is in force: what ends it, what changes it, or that it stands.</summary>
internal static class InForce
{
    public static PlanDecision Decide(PlanView view)
    {
        var (run, plan) = (view.Run, view.Run.Plan!);

        // 1. A step can't complete any more, or must not: a contributor is lost, or the state is in doubt.
        if (run.GoBack is { } goBack) return new(new PlanAction.Halt(PlanCause.Divergence), goBack);
        if (Losses(view) is { } loss) return loss;
        // After a restart a plan may be adopted whose only members had missed its successor.
        if (view.Alive.FirstOrDefault(worker => worker.WorksUnder > plan.Generation && worker.WorksUnder != run.Next?.Generation) is { } ahead)
            return new(new PlanAction.Halt(PlanCause.Adoption), $"{ahead} works under plan {ahead.WorksUnder}, which is newer than {plan.Generation}.");

        // 2. Two members can't reach each other.
        if (BrokenLinks.Decide(view) is { } broken) return broken;

        // 3. Members hold different states.
        var voters = plan.Members.Where(member => view.FindAlive(member.Worker) is { IsSynced: true });
        var verdict = run.Votes.Judge([.. voters.Select(member => member.Worker)]);
        if (verdict.NoMajority) return new(new PlanAction.GoBack(), verdict.Reason);
        if (!verdict.Wrong.IsEmpty) return new(new PlanAction.Distrust(verdict.Wrong), verdict.Reason);

        // 4. One change at a time.
        if (run.Next is { } next) return Stay($"Plan {next.Generation} comes into force after the step in which all know it: {next.Reason}");
        return PlannedChange.Decide(view);
    }

    private static PlanDecision? Losses(PlanView view)
    {
        var run = view.Run;
        var lost = run.Plan!.Contributors.Select(member => (member.Worker, run.Plan!.Generation))
            .Concat(run.Next?.Contributors.Select(member => (member.Worker, run.Next.Generation)) ?? [])
            .Select(part => (part.Worker, Why: view.WhyNot(part.Worker) ?? (Is(run.Find(part.Worker)!, part.Generation) ? null : "came back as another process")))
            .Where(entry => entry.Why is not null)
            .DistinctBy(entry => entry.Worker)
            .ToList();
        if (lost.Count == 0) return null;
        var cause = lost.TrueForAll(entry => run.SlotFailures.Any(failure => failure.Worker == entry.Worker)) ? PlanCause.Failure : PlanCause.Loss;
        return new(new PlanAction.Halt(cause), lost.Count <= 3
            ? string.Join(" ", lost.Select(entry => $"{entry.Worker} {entry.Why}."))
            : $"{Words.List(lost.Select(entry => entry.Worker))} are lost ({lost[0].Worker} {lost[0].Why}).");

        // Whom the plan was made for.
        static bool Is(WorkerSnapshot worker, PlanGeneration generation) => worker.IsReady && worker.After < generation;
    }
}
