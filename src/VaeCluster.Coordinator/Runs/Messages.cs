using System.Collections.Immutable;
using VaeCluster.Collectives;
using VaeCluster.Coordinator.Membership;
using VaeCluster.Coordinator.Plans;
using Wire = VaeCluster.Protocol.V1;

namespace VaeCluster.Coordinator.Runs;

/// <summary>What a worker's messages change in what is known. Pure. What is stale or can't be true is counted, and changes nothing.</summary>
internal static class Messages
{
    private const double SpeedGain = 0.5;

    public static RunSnapshot Hear(
        RunSnapshot run, RunEvent.MessageHeard heard, TimeSpan now, CoordinatorOptions options, RunEffects effects)
    {
        var message = heard.Message;
        if (run.Find(heard.Worker) is not { } worker || worker.Stream != heard.Stream) return run;
        if (message.Run != run.Run)
        {
            effects.Add(new RunEffect.Refused(Refusal.Run, $"{worker} sent a message for run \"{message.Run}\"."));
            return run;
        }
        var heartbeatGap = now - worker.LastHeartbeat;
        worker = worker with { LastHeard = now };
        run = run.With(worker);
        switch (message.ContentCase)
        {
            case Wire.WorkerMessage.ContentOneofCase.Heartbeat:
                return Heartbeat(run, worker, message.Heartbeat, now, heartbeatGap, options, effects);
            case Wire.WorkerMessage.ContentOneofCase.Ready:
                return Ready(run, worker.Id, message.Ready, now, effects);
            case Wire.WorkerMessage.ContentOneofCase.PeerLost:
                return PeerLost(run, worker, message.PeerLost, now, effects);
            case Wire.WorkerMessage.ContentOneofCase.Halted:
                return Halted(run, worker, message.Halted, effects);
            case Wire.WorkerMessage.ContentOneofCase.StepRecords:
                return Records.Hear(run, worker, message.StepRecords, effects);
            case Wire.WorkerMessage.ContentOneofCase.Goodbye:
                return Goodbye(run, worker, message.Goodbye, now, effects);
            case Wire.WorkerMessage.ContentOneofCase.SlotFailed:
                return SlotFailed(run, worker, message.SlotFailed, effects);
            case Wire.WorkerMessage.ContentOneofCase.StateHash:
                return StateHash(run, worker, message.StateHash, effects);
            case Wire.WorkerMessage.ContentOneofCase.SlotHash:
                return SlotHash(run, worker, message.SlotHash, effects);
            case Wire.WorkerMessage.ContentOneofCase.CheckpointWritten:
                return Checkpoint(run, worker, message.CheckpointWritten, now, effects);
            default:
                return run;
        }
    }

    public static RunSnapshot Ready(RunSnapshot run, string id, Wire.Ready ready, TimeSpan now, RunEffects effects)
    {
        var worker = run.Find(id)!;
        var fingerprint = ready.Fingerprint.ToImmutableSortedDictionary(StringComparer.Ordinal);
        if (run.Fingerprint is { } wanted && !run.MixedWorkers && Difference(wanted, fingerprint) is { } difference)
        {
            effects.Refuse(worker.Stream!.Value, Refusal.Fingerprint, $"The worker computes other bits than the run: {difference}. "
                + "Use the same machine type and image, or set train.mixed_workers and give up equal weights.");
            return run with { Workers = run.Workers.Remove(id) };
        }
        if (Contradiction(run, ready) is { } contradiction)
        {
            effects.Add(new RunEffect.Refused(Refusal.Hello, $"{id} {contradiction}"));
            return PutOut(run, worker, contradiction, effects);
        }
        run = run with
        {
            ManifestId = run.ManifestId.Length > 0 ? run.ManifestId : ready.ManifestId,
            TotalSteps = run.TotalSteps > 0 ? run.TotalSteps : ready.TotalSteps,
        };
        if (run.Fingerprint is null)
        {
            run = run with { Fingerprint = fingerprint };
            effects.Add(new RunEffect.StoreFingerprint(fingerprint));
        }
        if (ready.HasCompletedSteps && LiesAbove(run, ready.CompletedSteps)) return Liar(run, worker, ready.CompletedSteps, effects);

        ulong? state = ready.HasCompletedSteps ? ready.CompletedSteps : null;
        // Under an older plan it holds what it held before: that of the newer one it has yet to copy.
        var plan = run.Plan?.RankOf(id) is not null ? run.Plan : run.Next?.RankOf(id) is not null ? run.Next : null;
        var follows = plan is not null && worker.WorksUnder >= plan.Generation;
        return run.With(worker with
        {
            IsReady = true,
            CompletedSteps = state,
            IsSynced = worker.IsSynced || (follows && state is not null),
            IsRestoring = worker.IsRestoring && state is null,
            IsDistrusted = worker.IsDistrusted && state is null,
            AvailableSince = worker.IsReady && (worker.IsSynced || state is null) ? worker.AvailableSince : now,
        });
    }

    private static RunSnapshot Heartbeat(RunSnapshot run, WorkerSnapshot worker, Wire.Heartbeat heartbeat, TimeSpan now,
        TimeSpan? gap, CoordinatorOptions options, RunEffects effects)
    {
        var interval = options.Lease.IntervalFor(run.Workers.Count);
        var lease = (gap is { } observed ? worker.Lease.Observe(observed) : worker.Lease) with { Interval = interval };
        effects.Send(worker, new()
        {
            HeartbeatHeard = new() { Sequence = heartbeat.Sequence, HeartbeatIntervalMs = (uint)interval.TotalMilliseconds },
        });
        if (heartbeat.HasCompletedSteps && LiesAbove(run, heartbeat.CompletedSteps)) return Liar(run, worker, heartbeat.CompletedSteps, effects);

        var worksUnder = heartbeat.Generation?.FromWire();
        var speed = heartbeat.SlotSeconds > 0 ? Smooth(worker.SlotSeconds, heartbeat.SlotSeconds) : worker.SlotSeconds;
        worker = worker with
        {
            LastHeartbeat = now,
            Lease = lease,
            Heartbeat = heartbeat,
            WorksUnder = worksUnder,
            SlotSeconds = speed,
            CompletedSteps = worker.IsDistrusted ? null : heartbeat.HasCompletedSteps ? heartbeat.CompletedSteps : null,
        };
        run = run.With(worker);
        // A newcomer takes it up when it hears of it; whoever has followed, after the step in which all did.
        if (worker.IsSynced && worksUnder is { } generation && generation == run.Next?.Generation && run.Next.RankOf(worker.Id) is not null)
            run = Actions.Switch(run, now, effects);
        return worker.IsSynced && run.Halt is null && worksUnder == run.Plan?.Generation && worker.CompletedSteps > run.CompletedSteps
            ? run with { CompletedSteps = worker.CompletedSteps!.Value }
            : run;
    }

    private static RunSnapshot PeerLost(RunSnapshot run, WorkerSnapshot worker, Wire.PeerLost lost, TimeSpan now, RunEffects effects)
    {
        var plan = new[] { run.Plan, run.Next, run.ToldPlan }.FirstOrDefault(plan => plan?.Generation == lost.Generation.FromWire());
        if (plan?.RankOf(worker.Id) is null || plan.RankOf(lost.WorkerId) is null || lost.WorkerId == worker.Id)
        {
            effects.Add(new RunEffect.Refused(Refusal.Stale, $"{worker} lost {lost.WorkerId} in plan {lost.Generation.FromWire()}, where they are not both members now."));
            return run;
        }
        return run.Reports.Any(report => report.Reporter == worker.Id && report.Lost == lost.WorkerId)
            ? run
            : run with { Reports = run.Reports.Add(new PeerReport(worker.Id, lost.WorkerId, now, lost.Reason)) };
    }

    private static RunSnapshot Halted(RunSnapshot run, WorkerSnapshot worker, Wire.Halted halted, RunEffects effects)
    {
        ulong? state = halted.HasCompletedSteps && !worker.IsDistrusted ? halted.CompletedSteps : null;
        if (run.Halt is not { } halt || halt.Generation != halted.Generation.FromWire())
        {
            effects.Add(new RunEffect.Refused(Refusal.Stale, $"{worker} answered a halt {halted.Generation.FromWire()} that nobody waits for."));
            return run;
        }
        if (state is { } told && LiesAbove(run, told)) return Liar(run, worker, told, effects);
        run = run.With(worker with { WorksUnder = null, CompletedSteps = state });
        return halt.IsAsked(worker.Id) ? run with { Halt = halt with { Answers = halt.Answers.SetItem(worker.Id, state) } } : run;
    }

    private static RunSnapshot Goodbye(RunSnapshot run, WorkerSnapshot worker, Wire.Goodbye goodbye, TimeSpan now, RunEffects effects)
    {
        if (goodbye.Kind == Wire.Goodbye.Types.Kind.LeaveAsked)
        {
            effects.Add(new RunEffect.WorkerChanged(worker.Id, $"was asked to leave: {goodbye.Reason}", IsLoss: false));
            return run.With(worker with { IsLeaving = true });
        }
        // It has left the step after which the plan without it is in force, perhaps before a member of that plan could tell.
        if (worker.IsLeaving && run.Plan?.Find(worker.Id) is { Contributes: true } && run.Next is { } next && next.RankOf(worker.Id) is null)
            run = Actions.Switch(run, now, effects);
        effects.Add(new RunEffect.WorkerChanged(worker.Id, "has left", IsLoss: false));
        if (worker.Stream is { } stream) effects.Add(new RunEffect.Close(stream));
        if ((run.Plan?.Find(worker.Id) ?? run.Next?.Find(worker.Id)) is not { Contributes: true }) return run with { Workers = run.Workers.Remove(worker.Id) };
        // A contributor that leaves is lost: the plan without it says why, by what it failed at just before, or by this.
        var reason = goodbye.Reason.Length == 0 ? "has left" : $"has left ({goodbye.Reason.TrimEnd('.')})";
        return run.With(worker with { Stream = null, LastHeard = now, Out = worker.Out ?? new Exclusion(reason, Until: null), IsSynced = false, CompletedSteps = null });
    }

    private static RunSnapshot SlotFailed(RunSnapshot run, WorkerSnapshot worker, Wire.SlotFailed failed, RunEffects effects)
    {
        if (failed.Slot >= run.Slots || (run.Plan?.Find(worker.Id) ?? run.Next?.Find(worker.Id)) is not { Contributes: true })
        {
            effects.Add(new RunEffect.Refused(Refusal.Stale, $"{worker} failed at slot {failed.Slot}, and computes none."));
            return run;
        }
        var failure = new SlotFailure((int)failed.Slot, worker.Id, failed.Step, failed.Error, failed.EndsRun);
        return PutOut(run with { SlotFailures = run.SlotFailures.Add(failure) }, worker,
            $"failed at slot {failed.Slot} of step {failed.Step} ({failed.Error.TrimEnd('.')})", effects);
    }

    private static RunSnapshot StateHash(RunSnapshot run, WorkerSnapshot worker, Wire.StateHash hash, RunEffects effects)
    {
        // A vote on a state far ahead would make all others late.
        var newest = run.CompletedSteps + MostStepsBetweenHeartbeats;
        if (worker.IsSynced && hash.CompletedSteps <= newest)
            return run with { Votes = run.Votes.Add(worker.Id, hash.CompletedSteps, Convert.ToHexStringLower(hash.Sha256.Span)) };
        effects.Add(new RunEffect.Refused(Refusal.Step, $"{worker} told a hash after {hash.CompletedSteps} steps, where the run has done {run.CompletedSteps}."));
        return run;
    }

    /// <summary>Where a slot came out differently, its sum has reached all: they go back, and whoever is outvoted goes.</summary>
    private static RunSnapshot SlotHash(RunSnapshot run, WorkerSnapshot worker, Wire.SlotHash hash, RunEffects effects)
    {
        // Under an older plan, whose members may be others.
        if (run.Plan is not { } plan || plan.Generation != hash.Generation.FromWire() || run.GoBack is not null) return run;
        // A slot that there is not belongs to nobody.
        IReadOnlyList<int> ranks = hash.Slot < run.Slots ? SlotCheck.RanksOf((int)hash.Slot, [.. plan.Members.Select(member => member.Range)]) : [];
        var voters = ranks.Select(rank => plan.Members[rank].Worker).ToList();
        if (!worker.IsSynced || !voters.Contains(worker.Id) || hash.Step > run.CompletedSteps + MostStepsBetweenHeartbeats)
        {
            effects.Add(new RunEffect.Refused(Refusal.Stale, $"{worker} told a hash of slot {hash.Slot} of step {hash.Step}, which is not its to compute."));
            return run;
        }
        run = run with { SlotVotes = run.SlotVotes.Add(worker.Id, hash.Step + 1, $"{Convert.ToHexStringLower(hash.Sha256.Span)} of slot {hash.Slot}") };
        var verdict = run.SlotVotes.Judge(voters);
        if (!verdict.NoMajority && verdict.Wrong.IsEmpty) return run;
        foreach (var wrong in verdict.Wrong) run = PutOut(run, run.Find(wrong)!, $"computed slot {hash.Slot} of step {hash.Step} unlike others", effects);
        return run with { GoBack = $"Slot {hash.Slot} of step {hash.Step} came out differently on {Words.List(voters.Where(run.SlotVotes.Now.ContainsKey))}." };
    }

    private const ulong MostStepsBetweenHeartbeats = 10_000;
    private const int MostCheckpoints = 5;

    private static RunSnapshot Checkpoint(RunSnapshot run, WorkerSnapshot worker, Wire.CheckpointWritten checkpoint, TimeSpan now, RunEffects effects)
    {
        if (!worker.IsReady)
        {
            effects.Add(new RunEffect.Refused(Refusal.Stale, $"{worker} told of a checkpoint, and has no state to save."));
            return run;
        }
        effects.Add(new RunEffect.Append(new CheckpointEntry(checkpoint.CompletedSteps, checkpoint.Path)));
        effects.Add(new RunEffect.CopyJournal());
        return run with { Checkpoints = [checkpoint, .. run.Checkpoints.Take(MostCheckpoints - 1)], CheckpointedAt = now };
    }

    private static string? Contradiction(RunSnapshot run, Wire.Ready ready)
    {
        if (run.ManifestId.Length > 0 && ready.ManifestId != run.ManifestId)
            return $"lists other data: its manifest is {Short(ready.ManifestId)}, the run's is {Short(run.ManifestId)}";
        return run.TotalSteps > 0 && ready.TotalSteps != run.TotalSteps
            ? $"counts {ready.TotalSteps} steps to the end, the run has {run.TotalSteps}"
            : null;
    }

    private static string? Difference(ImmutableSortedDictionary<string, string> wanted, ImmutableSortedDictionary<string, string> told)
    {
        var differences = wanted.Keys.Union(told.Keys)
            .Where(name => wanted.GetValueOrDefault(name) != told.GetValueOrDefault(name))
            .Select(name => $"{name} is {told.GetValueOrDefault(name, "(none)")}, not {wanted.GetValueOrDefault(name, "(none)")}")
            .ToList();
        return differences.Count == 0 ? null : string.Join("; ", differences);
    }

    private static string Short(string id) => id.Length > 12 ? id[..12] : id.Length == 0 ? "(none)" : id;

    private static bool LiesAbove(RunSnapshot run, ulong completedSteps) => run.TotalSteps > 0 && completedSteps > run.TotalSteps;

    private static RunSnapshot Liar(RunSnapshot run, WorkerSnapshot worker, ulong completedSteps, RunEffects effects)
    {
        var reason = $"told a state of {completedSteps} steps, where the run has {run.TotalSteps}";
        effects.Add(new RunEffect.Refused(Refusal.Step, $"{worker} {reason}."));
        return PutOut(run, worker, reason, effects);
    }

    private static RunSnapshot PutOut(RunSnapshot run, WorkerSnapshot worker, string reason, RunEffects effects)
    {
        effects.Add(new RunEffect.WorkerChanged(worker.Id, $"is put out: it {reason}", IsLoss: true));
        return run.With(worker with { Out = new Exclusion(reason, Until: null), IsSynced = false, CompletedSteps = null });
    }

    private static double Smooth(double? before, double value) => before is { } old ? old + SpeedGain * (value - old) : value;
}
