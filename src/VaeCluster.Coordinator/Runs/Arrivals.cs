using System.Collections.Immutable;
using VaeCluster.Coordinator.Membership;
using VaeCluster.Coordinator.Plans;
using Wire = VaeCluster.Protocol.V1;

namespace VaeCluster.Coordinator.Runs;

/// <summary>How workers come, come back and go. Pure.</summary>
internal static class Arrivals
{
    private static readonly TimeSpan RetryFull = TimeSpan.FromSeconds(30);

    /// <summary>Workers that are gone and still shown.</summary>
    private const int MostGone = 100;

    public static RunSnapshot Hear(
        RunSnapshot run, RunEvent.HelloHeard heard, TimeSpan now, CoordinatorOptions options, RunEffects effects)
    {
        var (stream, message, hello) = (heard.Stream, heard.Message, heard.Message.Hello);

        // 1. Who can't be taken.
        if (message.KnownGeneration is { } newest && newest.Term > run.Term)
        {
            effects.Add(new RunEffect.NewerTermTold(newest.Term));
            effects.Refuse(stream, Refusal.Stale, $"This coordinator has term {run.Term}, and you know term {newest.Term}: look for the newer one.",
                options.Lease.Least);
            return run;
        }
        if (message.Run.Length > 0 && message.Run != run.Run)
        {
            effects.Refuse(stream, Refusal.Run, $"This is run {run.Run}, and you belong to run {message.Run}. Start the worker anew to join this one.");
            return run;
        }
        var known = run.Find(hello.WorkerId);
        if (known is null && run.Workers.Count >= options.MostWorkers)
        {
            effects.Refuse(stream, Refusal.Full, $"The coordinator knows {run.Workers.Count} workers, which is its limit (coordinator.most_workers).", RetryFull);
            return run;
        }
        if (known is { Stream: not null } && known.Instance != hello.Instance && now - known.LastHeard <= known.Lease.Length(options.Lease))
        {
            effects.Refuse(stream, Refusal.Duplicate, $"A worker with the id {known.Id} is here and lives ({known.Host}, process {known.ProcessId}). "
                + "Give each worker an id of its own.", options.Lease.Least);
            return run;
        }

        // 2. What is known of it now. The same process keeps its part; another one begins anew.
        if (known?.Stream is { } before) effects.Add(new RunEffect.Close(before));
        var back = known is not null && known.Instance == hello.Instance;
        var interval = options.Lease.IntervalFor(run.Workers.Count + 1);
        var worker = (back ? known! : new WorkerSnapshot
        {
            Id = hello.WorkerId,
            Instance = hello.Instance,
            Endpoint = hello.Endpoint,
            Arrival = stream,
            LastHeard = now,
            Lease = Lease.At(interval),
            TimesOut = known?.TimesOut ?? 0,
            After = known is null ? default : new(run.Term, run.Number),
        }) with
        {
            Stream = stream,
            LastHeard = now,
            LastHeartbeat = null,
            Endpoint = hello.Endpoint,
            BootId = hello.BootId,
            Host = hello.Host,
            ProcessId = hello.ProcessId,
            MostSlots = (int)hello.MostSlots,
            WorksUnder = hello.Plan?.Generation?.FromWire(),
        };
        if (!worker.IsDistrusted) worker = worker with { CompletedSteps = hello.HasCompletedSteps ? hello.CompletedSteps : null };
        if (!back) run = Forsake(run, hello.WorkerId);
        run = run.With(worker);
        if (run.AdoptUntil is not null) run = Told(run, hello);
        effects.Add(new RunEffect.WorkerChanged(worker.Id, back ? "is back" : "has come", IsLoss: false));

        // 3. What it has to know.
        effects.Send(worker, new()
        {
            Welcome = new()
            {
                Run = run.Run,
                Config = run.Config,
                Slots = (uint)run.Slots,
                Folder = run.Folder,
                ManifestId = run.ManifestId,
                HeartbeatIntervalMs = (uint)interval.TotalMilliseconds,
                LeaseMs = (uint)worker.Lease.Length(options.Lease).TotalMilliseconds,
            },
        });
        if (run.Finished is { } finished) effects.Send(worker, new() { Finish = finished });
        else if (run.Halt is { } halt) effects.Send(worker, new() { Halt = new() { Generation = halt.Generation.ToWire(), Reason = halt.Reason } });
        else if (run.Plan is { } plan)
        {
            effects.Send(worker, new() { Plan = plan.ToWire() });
            if (run.Next is { } next) effects.Send(worker, new() { Plan = next.ToWire() });
        }
        if (hello.Ready is null) return run;
        run = Messages.Ready(run, worker.Id, hello.Ready, now, effects);
        // Another process under the name of a member does not follow the plan, whatever it holds.
        return !back && run.Find(worker.Id) is { IsSynced: true } other ? run.With(other with { IsSynced = false }) : run;
    }

    public static RunSnapshot End(RunSnapshot run, RunEvent.StreamEnded ended, TimeSpan now) =>
        run.Find(ended.Worker) is { } worker && worker.Stream == ended.Stream
            ? run.With(worker with { Stream = null, LastHeard = now })
            : run;

    /// <summary>We stood still: what we did not hear meanwhile is nobody's fault.</summary>
    public static RunSnapshot Allow(RunSnapshot run, TimeSpan duration) => run with
    {
        Workers = run.Workers.ToImmutableSortedDictionary(entry => entry.Key,
            entry => entry.Value with { LastHeard = entry.Value.LastHeard + duration, LastHeartbeat = null }, StringComparer.Ordinal),
        Halt = run.Halt is { } halt ? halt with { Since = halt.Since + duration } : null,
        AdoptUntil = run.AdoptUntil + duration,
    };

    /// <summary>Who is gone for long, and in no plan, is not worth a line any more; of many that went soon after each other, the last are.</summary>
    public static RunSnapshot Forget(RunSnapshot run, TimeSpan now, LeaseOptions lease)
    {
        var gone = run.Workers.Values
            .Where(worker => worker.Stream is null && run.Plan?.RankOf(worker.Id) is null && run.Next?.RankOf(worker.Id) is null)
            .OrderByDescending(worker => worker.LastHeard)
            .ToList();
        var old = gone
            .Where((worker, later) => now - worker.LastHeard > (later < MostGone ? lease.ForgetAfter : lease.ReturnTime))
            .Select(worker => worker.Id)
            .ToList();
        return old.Count == 0 ? run : run with { Workers = run.Workers.RemoveRange(old) };
    }

    /// <summary>The process that had the id is no more: nobody waits for its answer.</summary>
    private static RunSnapshot Forsake(RunSnapshot run, string worker) =>
        run.Halt is { } halt ? run with { Halt = halt with { Asked = halt.Asked.Remove(worker) } } : run;

    private static RunSnapshot Told(RunSnapshot run, Wire.Hello hello)
    {
        var plan = hello.Plan is null ? null : PlanWire.TryFromWire(hello.Plan, run.Slots);
        // One of this term can't have been made yet.
        if (plan is null || plan.Generation.Term >= run.Term || plan.Generation < run.ToldPlan?.Generation) return run;
        if (run.ToldPlan is null || plan.Generation > run.ToldPlan.Generation) run = run with { ToldPlan = plan, ToldNext = null };
        var next = hello.NextPlan is null ? null : PlanWire.TryFromWire(hello.NextPlan, run.Slots);
        return next is not null && next.Generation.Term < run.Term && next.Generation > (run.ToldNext?.Generation ?? plan.Generation)
            ? run with { ToldNext = next }
            : run;
    }
}
