using Prometheus;
using VaeCluster.Coordinator.Membership;
using VaeCluster.Coordinator.Plans;
using VaeCluster.Coordinator.Runs;
using Wire = VaeCluster.Protocol.V1;

namespace VaeCluster.Coordinator.Status;

/// <summary>The coordinator's metrics. Labels have closed sets of values; workers are no labels.</summary>
public sealed class CoordinatorMetrics
{
    private readonly Gauge info, completedSteps, recordedSteps, totalSteps, imagesPerSecond, checkpointAge, slowScore, term, number, halted;
    private readonly Gauge.Child contributors, spares;
    private readonly Dictionary<string, Gauge.Child> losses, stages;
    private readonly Dictionary<PlanCause, Counter.Child> plans;
    private readonly Dictionary<Refusal, Counter.Child> refused;
    private readonly Counter heartbeats, journalFailures;
    private TimeSpan? shown;

    public CoordinatorMetrics(IMetricFactory factory)
    {
        ArgumentNullException.ThrowIfNull(factory);
        info = factory.CreateGauge("vaecluster_run_info", "1; what is trained, and by which version.", ["run", "model", "preset", "version"]);
        completedSteps = factory.CreateGauge("vaecluster_run_completed_steps", "Steps that the run has done.");
        recordedSteps = factory.CreateGauge("vaecluster_run_recorded_steps", "Steps that are safe in the journal.");
        totalSteps = factory.CreateGauge("vaecluster_run_total_steps", "Steps of the whole run; 0 while it is not known.");
        imagesPerSecond = factory.CreateGauge("vaecluster_run_images_per_second", "Images of the whole run.");
        var loss = factory.CreateGauge("vaecluster_run_loss", "Per sample, of the last step told.", ["part"]);
        losses = Children(["total", "reconstruction", "kl", "beta", "gradient_norm", "learning_rate"], loss.WithLabels);
        checkpointAge = factory.CreateGauge("vaecluster_checkpoint_age_seconds", "Since this coordinator was told of a checkpoint, or since it began.");
        slowScore = factory.CreateGauge("vaecluster_slow_worker_score", "Time for a slot of the slowest member, over the median of all; 0 while nobody has told.");
        var members = factory.CreateGauge("vaecluster_members", "Members of the plan in force.", ["role"]);
        (contributors, spares) = (members.WithLabels("contributor"), members.WithLabels("spare"));
        var workers = factory.CreateGauge("vaecluster_workers", "Workers that the coordinator knows.", ["stage"]);
        stages = Children(Enum.GetValues<Wire.WorkerStatus.Types.Stage>().Skip(1).Select(stage => stage.ToString().ToLowerInvariant()), workers.WithLabels);
        term = factory.CreateGauge("vaecluster_plan_term", "Term of the plan in force.");
        number = factory.CreateGauge("vaecluster_plan_number", "Number of the plan in force, in its term; 0 for none.");
        halted = factory.CreateGauge("vaecluster_plan_halted", "1 between plans, after a loss.");
        var changes = factory.CreateCounter("vaecluster_plans_total", "Plans that came into force.", ["cause"]);
        plans = Enum.GetValues<PlanCause>().ToDictionary(cause => cause, cause => changes.WithLabels(cause.ToString().ToLowerInvariant()));
        var refusals = factory.CreateCounter("vaecluster_refused_total", "Calls and messages that were not taken.", ["what"]);
        refused = Enum.GetValues<Refusal>().ToDictionary(what => what, what => refusals.WithLabels(Label(what)));
        heartbeats = factory.CreateCounter("vaecluster_heartbeats_total", "Heartbeats heard.");
        journalFailures = factory.CreateCounter("vaecluster_journal_failures_total", "Times that the journal or its copy could not be written.");
    }

    /// <summary>Things refused so far, by what they were.</summary>
    public IReadOnlyDictionary<string, ulong> RefusedCounts() => refused
        .Where(entry => entry.Value.Value > 0)
        .ToDictionary(entry => Label(entry.Key), entry => (ulong)entry.Value.Value);

    internal void Refused(Refusal what) => refused[what].Inc();

    internal void JournalFailed() => journalFailures.Inc();

    internal void Planned(Plan plan, bool inForce)
    {
        if (!inForce) return;
        plans[plan.Cause].Inc();
        term.Set(plan.Generation.Term);
        number.Set(plan.Generation.Number);
    }

    internal void Count(RunEvent happened)
    {
        if (happened is RunEvent.MessageHeard { Message.Heartbeat: not null }) heartbeats.Inc();
    }

    /// <param name="run">Its id.</param>
    /// <param name="described">What is trained.</param>
    public void Describe(string run, RunDescription described)
    {
        ArgumentNullException.ThrowIfNull(described);
        info.WithLabels(run, described.Model, described.Preset, described.Version).Set(1);
    }

    /// <summary>Gauges follow what is known, a few times a second.</summary>
    public void Show(RunSnapshot run, TimeSpan now, LeaseOptions lease)
    {
        ArgumentNullException.ThrowIfNull(run);
        if (now - shown < TimeSpan.FromMilliseconds(250)) return;
        shown = now;
        completedSteps.Set(run.CompletedSteps);
        recordedSteps.Set(run.RecordedSteps);
        totalSteps.Set(run.TotalSteps);
        contributors.Set(run.Plan?.Contributors.Count() ?? 0);
        spares.Set(run.Plan is { } plan ? plan.Members.Length - plan.Contributors.Count() : 0);
        halted.Set(run.Halt is null ? 0 : 1);
        checkpointAge.Set((now - run.CheckpointedAt).TotalSeconds);
        slowScore.Set(StatusView.SlowScore(run) ?? 0);
        if (run.Plan is null) number.Set(0);
        var counts = run.Workers.Values.CountBy(worker => StatusView.StageOf(run, worker, now, lease)).ToDictionary();
        foreach (var stage in Enum.GetValues<Wire.WorkerStatus.Types.Stage>().Skip(1))
            stages[stage.ToString().ToLowerInvariant()].Set(counts.GetValueOrDefault(stage));
        if (StatusView.Newest(run)?.Heartbeat is not { } heartbeat) return;
        imagesPerSecond.Set(heartbeat.ImagesPerSecond);
        if (heartbeat.Losses is not { } told) return;
        losses["total"].Set(told.Loss);
        losses["reconstruction"].Set(told.Reconstruction);
        losses["kl"].Set(told.Kl);
        losses["beta"].Set(told.Beta);
        losses["gradient_norm"].Set(told.GradientNorm);
        losses["learning_rate"].Set(told.LearningRate);
    }

    private static Dictionary<string, Gauge.Child> Children(IEnumerable<string> labels, Func<string[], Gauge.Child> child) =>
        labels.ToDictionary(label => label, label => child([label]));

    private static string Label(Refusal what) => what == Refusal.SlowReader ? "slow_reader" : what.ToString().ToLowerInvariant();
}
