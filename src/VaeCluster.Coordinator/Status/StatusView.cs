using VaeCluster.Coordinator.Membership;
using VaeCluster.Coordinator.Plans;
using Wire = VaeCluster.Protocol.V1;
using Stage = VaeCluster.Protocol.V1.WorkerStatus.Types.Stage;

namespace VaeCluster.Coordinator.Status;

/// <summary>The run as people see it: one message, and the same as JSON.</summary>
public static class StatusView
{
    /// <summary>Slower than the contributors' median by this much is worth a remark.</summary>
    private const double SlowFactor = 1.5;

    /// <summary>Every field under its name in the proto; null where it is absent, see <see cref="StatusJson"/>.</summary>
    public static string ToJson(Wire.RunStatus status) => StatusJson.Of(status).ToJsonString(StatusJson.Format);

    public static Wire.RunStatus Describe(
        RunSnapshot run, string reason, TimeSpan now, CoordinatorOptions options, IReadOnlyDictionary<string, ulong> refused)
    {
        ArgumentNullException.ThrowIfNull(run);
        ArgumentNullException.ThrowIfNull(options);
        ArgumentNullException.ThrowIfNull(refused);
        var status = new Wire.RunStatus
        {
            Run = run.Run,
            Term = run.Term,
            Phase = PhaseOf(run),
            Reason = reason,
            Plan = run.Plan?.ToWire(),
            NextPlan = run.Next?.ToWire(),
            CompletedSteps = run.CompletedSteps,
            TotalSteps = run.TotalSteps,
            RecordedSteps = run.RecordedSteps,
            Checkpoint = run.Checkpoints.FirstOrDefault(),
            EarlierCheckpoints = { run.Checkpoints.Skip(1) },
            UptimeSeconds = now.TotalSeconds,
        };
        foreach (var (what, count) in refused) status.Refused[what] = count;
        if (Newest(run)?.Heartbeat is { } heartbeat)
        {
            status.Losses = heartbeat.Losses;
            status.ImagesPerSecond = heartbeat.ImagesPerSecond;
            if (heartbeat.StepTime?.Whole > 0) status.StepsPerSecond = 1 / heartbeat.StepTime.Whole;
            if (status.StepsPerSecond > 0 && run.TotalSteps >= run.CompletedSteps)
                status.SecondsLeft = (run.TotalSteps - run.CompletedSteps) / status.StepsPerSecond;
        }

        var median = Median(run);
        foreach (var worker in run.Workers.Values) status.Workers.Add(Describe(run, worker, now, options.Lease, median));
        return status;
    }

    public static Stage StageOf(RunSnapshot run, WorkerSnapshot worker, TimeSpan now, LeaseOptions lease)
    {
        ArgumentNullException.ThrowIfNull(run);
        ArgumentNullException.ThrowIfNull(worker);
        if (worker.Out is { } exclusion && !(exclusion.Until <= now)) return Stage.Out;
        if (Liveness.WhyNot(run, worker, now, lease) is not null) return Stage.Lost;
        if (worker.IsLeaving) return Stage.Leaving;
        if (!worker.IsReady) return Stage.Loading;
        if (worker.IsRestoring) return Stage.Restoring;
        if (run.Plan?.Find(worker.Id) is not { } member) return Stage.Ready;
        return member.Contributes ? Stage.Contributor : worker.IsSynced ? Stage.Spare : Stage.Copying;
    }

    /// <summary>The contributor that is furthest, whose figures stand for the run.</summary>
    internal static WorkerSnapshot? Newest(RunSnapshot run) => run.Plan?.Contributors
        .Select(member => run.Find(member.Worker))
        .Where(worker => worker?.Heartbeat is not null)
        .MaxBy(worker => worker!.Heartbeat!.CompletedSteps);

    /// <summary>How much longer than the median the slowest member takes for a slot; null while nobody has told.</summary>
    internal static double? SlowScore(RunSnapshot run) =>
        Median(run) is > 0 and var median ? run.Plan!.Contributors.Max(member => run.Find(member.Worker)?.SlotSeconds) / median : null;

    private static Wire.RunStatus.Types.Phase PhaseOf(RunSnapshot run) => run switch
    {
        { Finished.Kind: Wire.Finish.Types.Kind.Completed } => Wire.RunStatus.Types.Phase.Completed,
        { Finished: not null } => Wire.RunStatus.Types.Phase.Failed,
        { Halt: not null } => Wire.RunStatus.Types.Phase.Halted,
        { Plan: not null } => Wire.RunStatus.Types.Phase.Running,
        _ => Wire.RunStatus.Types.Phase.Waiting,
    };

    private static Wire.WorkerStatus Describe(RunSnapshot run, WorkerSnapshot worker, TimeSpan now, LeaseOptions lease, double? median)
    {
        var status = new Wire.WorkerStatus
        {
            WorkerId = worker.Id,
            Host = worker.Host,
            ProcessId = worker.ProcessId,
            Endpoint = worker.Endpoint,
            Stage = StageOf(run, worker, now, lease),
            SlotSeconds = worker.SlotSeconds ?? 0,
            StepTime = worker.Heartbeat?.StepTime,
            SilentSeconds = Math.Max(0, (now - worker.LastHeard).TotalSeconds),
            LeaseSeconds = worker.Lease.Length(lease).TotalSeconds,
            Slow = worker.SlotSeconds >= SlowFactor * median,
            DeviceBytes = worker.Heartbeat?.DeviceBytes ?? 0,
        };
        if (Liveness.WhyNot(run, worker, now, lease) is { } why) status.Reason = $"It {why}.";
        if (worker.CompletedSteps is { } steps) status.CompletedSteps = steps;
        if (run.Plan?.RankOf(worker.Id) is { } rank)
        {
            status.Rank = (uint)rank;
            status.FirstSlot = (uint)run.Plan.Members[rank].Range.Start;
            status.Slots = (uint)run.Plan.Members[rank].Range.Count;
        }
        return status;
    }

    private static double? Median(RunSnapshot run)
    {
        var seconds = (run.Plan?.Contributors ?? []).Select(member => run.Find(member.Worker)?.SlotSeconds).Where(value => value is not null).Order().ToList();
        return seconds.Count == 0 ? null : seconds[(seconds.Count - 1) / 2];
    }
}
