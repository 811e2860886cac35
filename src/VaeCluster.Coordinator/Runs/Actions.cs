using System.Collections.Immutable;
using VaeCluster.Coordinator.Membership;
using VaeCluster.Coordinator.Plans;
using Wire = VaeCluster.Protocol.V1;

namespace VaeCluster.Coordinator.Runs;

/// <summary>Carries decisions out: what is known after them, and what is sent and written. Pure.</summary>
internal static class Actions
{
    public static RunSnapshot Apply(
        RunSnapshot run, PlanAction action, string reason, TimeSpan now, CoordinatorOptions options, RunEffects effects) => action switch
        {
            PlanAction.Adopt adopt => Adopt(run, adopt, now, options, effects),
            PlanAction.Halt halt => Halt(run, halt.Cause, reason, now, options, effects),
            PlanAction.Install install => Install(run, install.Plan, now, effects),
            PlanAction.Change change => Change(run, change.Plan, effects),
            PlanAction.Drop => Drop(run),
            PlanAction.Restore restore => Restore(run, restore.Workers, reason, effects),
            PlanAction.PutOut put => PutOut(run, put, effects),
            PlanAction.Distrust distrust => Halt(Distrust(run, distrust.Workers), PlanCause.Divergence, reason, now, options, effects),
            PlanAction.GoBack => run with { GoBack = reason },
            PlanAction.Release release => Release(run, release.Workers, reason, effects),
            PlanAction.Finish finish => Finish(run, finish.Kind, reason, effects),
            _ => throw new InvalidOperationException($"No such action: {action}"),
        };

    /// <summary>A member told that the planned change is in force; then it is for all, after the same step.</summary>
    public static RunSnapshot Switch(RunSnapshot run, TimeSpan now, RunEffects effects)
    {
        var plan = Begun(run.Next!, run.CompletedSteps);
        effects.Add(new RunEffect.Planned(plan, InForce: true));
        // A link that broke meanwhile is told of once, and a member may hang in the step before for it.
        var reports = run.Reports.RemoveAll(report => plan.RankOf(report.Reporter) is null || plan.RankOf(report.Lost) is null);
        return Outside(run, plan) with { Plan = plan, Next = null, PlanSince = now, Reports = reports };
    }

    /// <summary>Whoever hears of it from now on hears of a plan that is in force, not of one to switch to.</summary>
    private static Plan Begun(Plan plan, ulong completedSteps) => plan with { FirstStep = plan.FirstStep ?? completedSteps };

    private static RunSnapshot Adopt(RunSnapshot run, PlanAction.Adopt adopt, TimeSpan now, CoordinatorOptions options, RunEffects effects)
    {
        run = run with { AdoptUntil = null, ToldPlan = null, ToldNext = null, Plan = adopt.Plan, Next = adopt.Next, PlanSince = now };
        if (adopt.Plan is not { } plan) return run;
        run = run with
        {
            Workers = Update(run, worker => worker with
            {
                IsSynced = worker is { IsReady: true, CompletedSteps: not null } && worker.WorksUnder == plan.Generation,
            }),
        };
        run = run with { CompletedSteps = run.Workers.Values.Where(worker => worker.IsSynced).Max(worker => worker.CompletedSteps) ?? 0 };
        plan = Begun(plan, run.CompletedSteps);
        run = run with { Plan = plan };
        // The old journal may have been lost with its machine.
        effects.Add(new RunEffect.Append(Entry(plan)));
        effects.Add(new RunEffect.Planned(plan, InForce: true));
        // What members sent while nobody's word counted was not taken.
        effects.Broadcast(run, new() { RecordsAcknowledged = new() { BeforeStep = run.RecordedSteps, Again = true } });
        if (adopt.HaltReason is { } reason) return Halt(run, PlanCause.Loss, reason, now, options, effects);
        // Those that an older plan still holds together learn that it is over.
        effects.Broadcast(run, new() { Plan = plan.ToWire() });
        if (adopt.Next is { } next)
        {
            // Perhaps only some have heard of it; then it would never come into force.
            effects.Add(new RunEffect.Append(Entry(next)));
            effects.Broadcast(run, new() { Plan = next.ToWire() });
        }
        return run;
    }

    private static RunSnapshot Halt(RunSnapshot run, PlanCause cause, string reason, TimeSpan now, CoordinatorOptions options, RunEffects effects)
    {
        var generation = run.NextGeneration;
        var asked = (run.Plan?.Members ?? []).Concat(run.Next?.Members ?? []).Select(member => member.Worker)
            .Concat(run.Workers.Values.Where(worker => worker.WorksUnder is not null).OrderBy(worker => worker.Arrival).Select(worker => worker.Id))
            .Distinct()
            .Where(worker => run.Find(worker) is { IsReady: true } && Liveness.IsAlive(run, worker, now, options.Lease))
            .ToImmutableArray();
        // Those that count as lost hear it too: one that wakes up then knows that it has no part any more.
        effects.Broadcast(run, new() { Halt = new() { Generation = generation.ToWire(), Reason = reason } });
        return run with
        {
            Halt = new HaltSnapshot(generation, now, cause, reason, asked, ImmutableDictionary<string, ulong?>.Empty),
            Number = generation.Number,
            Next = null,
        };
    }

    private static RunSnapshot Install(RunSnapshot run, Plan plan, TimeSpan now, RunEffects effects)
    {
        var first = plan.FirstStep!.Value;
        run = Outside(run, plan);
        foreach (var member in plan.Members)
        {
            var worker = run.Find(member.Worker)!;
            run = run.With(worker with
            {
                IsSynced = member.Contributes || !member.CopiesState,
                IsRestoring = false,
                CompletedSteps = member.CopiesState ? null : worker.CompletedSteps,
            });
        }
        Send(run, plan, effects);
        effects.Add(new RunEffect.Planned(plan, InForce: true));
        return run with
        {
            Plan = plan,
            Next = null,
            Halt = null,
            Number = plan.Generation.Number,
            PlanSince = now,
            Reports = [],
            CompletedSteps = first,
            // Steps from here on are done again, and recorded again.
            NextRecord = Math.Min(run.NextRecord ?? first, first),
            RecordedSteps = Math.Min(run.RecordedSteps, first),
        };
    }

    private static RunSnapshot Change(RunSnapshot run, Plan plan, RunEffects effects)
    {
        foreach (var member in plan.Members)
        {
            if (member.CopiesState && run.Find(member.Worker) is { IsSynced: false } worker) run = run.With(worker with { CompletedSteps = null });
        }
        Send(run, plan, effects);
        effects.Add(new RunEffect.Planned(plan, InForce: false));
        return run with { Next = plan, Number = plan.Generation.Number };
    }

    private static RunSnapshot Drop(RunSnapshot run)
    {
        run = run with { Plan = null, Next = null, Halt = null, Reports = [] };
        if (run.GoBack is null) return run with { Workers = Update(run, worker => worker with { IsSynced = false }) };
        return run with
        {
            GoBack = null,
            Votes = run.Votes.NextRound(),
            SlotVotes = run.SlotVotes.NextRound(),
            Workers = Update(run, worker => worker with { IsSynced = false, IsRestoring = false, CompletedSteps = null }),
        };
    }

    private static RunSnapshot Restore(RunSnapshot run, ImmutableArray<string> workers, string reason, RunEffects effects)
    {
        foreach (var id in workers)
        {
            var worker = run.Find(id)!;
            effects.Send(worker, new() { Restore = new() { Reason = reason } });
            run = run.With(worker with { IsRestoring = true });
        }
        return run;
    }

    private static RunSnapshot PutOut(RunSnapshot run, PlanAction.PutOut put, RunEffects effects)
    {
        var worker = run.Find(put.Worker)!;
        effects.Add(new RunEffect.WorkerChanged(worker.Id, $"is put out: it {put.Exclusion.Reason}", IsLoss: true));
        // Its links are judged; what comes later is another matter.
        run = run with { Reports = run.Reports.RemoveAll(report => report.Lost == worker.Id || report.Reporter == worker.Id) };
        return run.With(worker with
        {
            Out = put.Exclusion,
            TimesOut = worker.TimesOut + (put.Exclusion.Until is null ? 0 : 1),
            IsSynced = false,
        });
    }

    private static RunSnapshot Distrust(RunSnapshot run, ImmutableArray<string> workers) => run with
    {
        Workers = Update(run, worker => workers.Contains(worker.Id)
            ? worker with { IsDistrusted = true, IsSynced = false, CompletedSteps = null }
            : worker),
        // What was said is judged; it is not said again.
        Votes = HashVotes.None with { CompletedSteps = run.Votes.CompletedSteps },
    };

    /// <summary>It finishes its step meanwhile: what it was a member for, it may still record.</summary>
    private static RunSnapshot Release(RunSnapshot run, ImmutableArray<string> workers, string reason, RunEffects effects)
    {
        foreach (var id in workers)
        {
            var worker = run.Find(id)!;
            effects.Send(worker, new() { Finish = new() { Kind = Wire.Finish.Types.Kind.Stopped, Reason = reason } });
            run = run.With(worker with { Out = new Exclusion("was asked to leave", Until: null) });
        }
        return run with { Plan = null, Next = null, Reports = [] };
    }

    private static RunSnapshot Finish(RunSnapshot run, Wire.Finish.Types.Kind kind, string reason, RunEffects effects)
    {
        var finish = new Wire.Finish { Kind = kind, Reason = reason };
        effects.Broadcast(run, new() { Finish = finish });
        effects.Add(new RunEffect.Append(new FinishEntry(kind.ToString(), reason)));
        effects.Add(new RunEffect.CopyJournal());
        return run with { Finished = finish, Halt = null, Next = null };
    }

    /// <summary>To every worker: whom it does not name has no part.</summary>
    private static void Send(RunSnapshot run, Plan plan, RunEffects effects)
    {
        effects.Add(new RunEffect.Append(Entry(plan)));
        effects.Broadcast(run, new() { Plan = plan.ToWire() });
    }

    /// <summary>Who is not in the plan does not follow it any more, and has to copy the state when it comes back.</summary>
    private static RunSnapshot Outside(RunSnapshot run, Plan plan)
    {
        var members = plan.Members.Select(member => member.Worker).ToHashSet(StringComparer.Ordinal);
        return run with { Workers = Update(run, worker => worker.IsSynced && !members.Contains(worker.Id) ? worker with { IsSynced = false } : worker) };
    }

    private static ImmutableSortedDictionary<string, WorkerSnapshot> Update(RunSnapshot run, Func<WorkerSnapshot, WorkerSnapshot> change)
    {
        var workers = run.Workers.ToBuilder();
        foreach (var worker in run.Workers.Values)
        {
            var changed = change(worker);
            if (!ReferenceEquals(changed, worker)) workers[worker.Id] = changed;
        }
        return workers.ToImmutable();
    }

    private static PlanEntry Entry(Plan plan) => new(plan.Generation.ToString(), plan.FirstStep,
        [.. plan.Members.Select(member => new MemberEntry(member.Worker, member.Range.Start, member.Range.Count))],
        plan.Cause.ToString(), plan.Reason);
}
