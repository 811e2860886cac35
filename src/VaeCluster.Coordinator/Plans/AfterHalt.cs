using VaeCluster.Coordinator.Membership;
using static VaeCluster.Coordinator.Plans.PlanDecision;

namespace VaeCluster.Coordinator.Plans;

/// <summary>All collectives are ended; the next plan starts at the highest state that a member holds.</summary>
internal static class AfterHalt
{
    public static PlanDecision Decide(PlanView view)
    {
        var (run, halt) = (view.Run, view.Run.Halt!);

        // 1. Everyone who lives has answered.
        var silent = halt.Asked.Where(worker => !halt.Answers.ContainsKey(worker) && IsAwaited(view, worker)).ToList();
        if (silent.Count > 0 && view.Now - halt.Since >= view.Plans.HaltTime)
        {
            return new(new PlanAction.PutOut(silent[0], new($"did not end its step within {view.Plans.HaltTime.TotalSeconds:0.#} s", Until: null)),
                $"{silent[0]} did not end its step.");
        }
        if (silent.Count > 0) return Stay($"{halt.Reason} Waiting for {Words.List(silent)} to end the step.");

        // 2. Nobody lies about the step.
        if (Liar(view, halt) is { } lie) return lie;
        if (run.GoBack is { } goBack) return new(new PlanAction.Drop(), goBack);

        // 3. Who asked to leave does so now, unless it alone holds the state.
        ulong? StateOf(WorkerSnapshot worker) => worker.IsDistrusted ? null : halt.Answers.GetValueOrDefault(worker.Id);
        var members = Ordered(view, halt);
        var holders = members.Where(worker => StateOf(worker) is not null).ToList();
        if (holders.Count == 0) return new(new PlanAction.Drop(), $"{halt.Reason} Nobody who holds the state is left: the run waits.");
        var first = holders.Max(worker => StateOf(worker)!.Value);
        var staying = members.Where(worker => !worker.IsLeaving).ToList();
        if (staying.Count == 0) return new(new PlanAction.Drop(), $"{halt.Reason} All who are left were asked to leave: the run waits.");
        if (!staying.Exists(worker => StateOf(worker) == first))
            staying = [.. members.Where(worker => !worker.IsLeaving || StateOf(worker) == first)];

        // 4. Who was in the plan with a state goes on with slots, behind or not; others copy first.
        return PlanMaking.Install(view, staying, worker => StateOf(worker) == first,
            worker => StateOf(worker) == first || (worker.IsSynced && StateOf(worker) is not null), first, halt.Cause,
            $"{halt.Reason} {Words.List(staying)} {(staying.Count == 1 ? "goes" : "go")} on with step {first}.");
    }

    /// <summary>Who lives: the asked by rank, then newcomers as they came.</summary>
    private static List<WorkerSnapshot> Ordered(PlanView view, HaltSnapshot halt) =>
    [
        .. halt.Asked.Where(worker => halt.Answers.ContainsKey(worker) ? view.IsAlive(worker) : IsAwaited(view, worker))
            .Select(id => view.FindAlive(id)!).Where(worker => worker.IsReady),
        .. view.Alive.Where(worker => worker is { IsReady: true, Stream: not null }).ExceptBy(halt.Asked, worker => worker.Id).OrderBy(worker => worker.Arrival),
    ];

    /// <summary>A stream may break while its worker is well, and a contributor is worth the wait. Nothing needs a spare: it comes again.</summary>
    private static bool IsAwaited(PlanView view, string worker) => view.FindAlive(worker) is { } alive
        && (alive.Stream is not null || view.Run.Plan?.Find(worker) is not { Contributes: false });

    /// <summary>
    /// A step needs every contributor, so none can be further than one step beyond the others. The lower median is what
    /// most hold; with two, the lower one, since the other can't have got there alone.
    /// </summary>
    private static PlanDecision? Liar(PlanView view, HaltSnapshot halt)
    {
        if (view.Run.Plan is not { } plan) return null;
        var told = plan.Contributors
            .Where(member => halt.Answers.GetValueOrDefault(member.Worker) is { } steps && view.IsAlive(member.Worker)
                && (!member.CopiesState || steps >= plan.FirstStep))
            .Select(member => (member.Worker, Steps: halt.Answers[member.Worker]!.Value))
            .OrderBy(entry => entry.Steps)
            .ToList();
        if (told.Count < 2) return null;
        var common = told[(told.Count - 1) / 2].Steps;
        var (worker, steps) = told[^1];
        return steps <= common + 1 ? null : new(
            new PlanAction.PutOut(worker, new($"told a state of {steps} steps where others hold {common}", Until: null)),
            $"{worker} told a state of {steps} steps where others hold {common}.");
    }
}
