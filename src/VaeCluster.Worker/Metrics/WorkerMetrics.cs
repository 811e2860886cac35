using Prometheus;
using VaeCluster.Checkpoints;
using VaeCluster.Collectives;
using VaeCluster.Data.Pipeline;
using VaeCluster.Worker.Links;
using VaeCluster.Worker.Training;

namespace VaeCluster.Worker.Metrics;

/// <summary>
/// A worker's metrics. Values of the run (losses, steps) are the same on every member; those of the worker are under
/// vaecluster_worker_. Labels have closed sets of values; peers are no labels. Any thread may call.
/// </summary>
public sealed class WorkerMetrics
{
    private static readonly string[] PartNames = ["data", "forward", "backward", "exchange", "update"];

    private readonly Gauge completedSteps, lastStep, imagesPerSecond, activeUnits, slotSeconds, term, number, slots;
    private readonly Gauge.Child contributors, spares;
    private readonly Dictionary<string, Gauge.Child> losses, validation;
    private readonly Histogram duration;
    private readonly Dictionary<string, Histogram.Child> parts;
    private readonly Counter images, skipped, redone, served;
    private readonly Counter exchanging;
    private readonly Dictionary<TimePart, Counter.Child> times;
    private readonly Counter loaded;
    private readonly Counter.Child cacheHits, cacheMisses;
    private readonly Gauge readyBatches, cacheBytes, brokenImages;
    private readonly Counter.Child sent, received, sentShared, receivedShared;
    private readonly Dictionary<StreamRefusal, Counter.Child> streams;
    private readonly Counter segments;
    private readonly Dictionary<string, Counter.Child> checkpoints;
    private readonly Gauge checkpointSteps, checkpointBytes;
    private readonly Histogram checkpointDuration;

    public WorkerMetrics(IMetricFactory factory)
    {
        ArgumentNullException.ThrowIfNull(factory);
        completedSteps = factory.CreateGauge("vaecluster_worker_completed_steps", "Steps of the state that this worker holds.");
        lastStep = factory.CreateGauge("vaecluster_worker_last_step_timestamp_seconds", "When this worker's last step was done, in seconds since 1970.");
        imagesPerSecond = factory.CreateGauge("vaecluster_worker_run_images_per_second", "Images of the whole run, in the last step.");
        var loss = factory.CreateGauge("vaecluster_worker_loss", "Per sample, over the samples of the last step.", ["part"]);
        losses = Children(["total", "reconstruction", "kl", "beta", "gradient_norm", "learning_rate"], loss.WithLabels);
        var validated = factory.CreateGauge("vaecluster_worker_validation_loss", "Per sample, of the last validation.", ["part"]);
        validation = Children(["total", "reconstruction", "kl"], validated.WithLabels);
        activeUnits = factory.CreateGauge("vaecluster_worker_active_units", "Numbers of the latent that tell images apart, in the last validation; NaN before the first.");
        activeUnits.Set(double.NaN);

        double[] seconds = Histogram.ExponentialBuckets(0.001, 2, 16); // 1 ms to 33 s
        duration = factory.CreateHistogram("vaecluster_worker_step_duration_seconds", "A step, from its first slot to the updated weights.",
            [], new HistogramConfiguration { Buckets = seconds });
        var part = factory.CreateHistogram("vaecluster_worker_step_part_seconds", "Where a step's time goes; exchange is the wait beyond what backward hid.",
            ["part"], new HistogramConfiguration { Buckets = seconds });
        parts = Children(PartNames, part.WithLabels);
        slotSeconds = factory.CreateGauge("vaecluster_worker_slot_seconds", "Forward and backward of a slot, over the last two seconds of steps; 0 without slots.");
        var time = factory.CreateCounter("vaecluster_worker_time_seconds_total",
            "What the training thread's time went into: step is steps that counted, lost those given up or not finite, save what is copied, hashed and written between steps.", ["part"]);
        times = Enum.GetValues<TimePart>().ToDictionary(each => each, each => time.WithLabels(each.ToString().ToLowerInvariant()));
        exchanging = factory.CreateCounter("vaecluster_worker_exchange_seconds_total",
            "From the first bucket that leaves to the last result; what of it is not in the step's part exchange, backward hid.");
        images = factory.CreateCounter("vaecluster_worker_run_images_total", "Images of the whole run in the steps that this worker took part in.");
        skipped = factory.CreateCounter("vaecluster_worker_steps_skipped_total", "Steps whose gradient was not finite, and that changed nothing.");
        redone = factory.CreateCounter("vaecluster_worker_steps_redone_total", "Steps that were given up and begun again under another plan.");

        term = factory.CreateGauge("vaecluster_worker_plan_term", "Term of the plan that this worker works under.");
        number = factory.CreateGauge("vaecluster_worker_plan_number", "Number of that plan, in its term; 0 for none.");
        slots = factory.CreateGauge("vaecluster_worker_slots", "Slots that this worker computes in a step.");
        var members = factory.CreateGauge("vaecluster_worker_members", "Members of that plan.", ["role"]);
        (contributors, spares) = (members.WithLabels("contributor"), members.WithLabels("spare"));

        var bytes = factory.CreateCounter("vaecluster_worker_exchange_bytes_total", "Gradients on the data path, through shared memory or by gRPC.",
            ["direction", "transport"]);
        (sent, received) = (bytes.WithLabels("sent", "grpc"), bytes.WithLabels("received", "grpc"));
        (sentShared, receivedShared) = (bytes.WithLabels("sent", "shared"), bytes.WithLabels("received", "shared"));
        served = factory.CreateCounter("vaecluster_worker_state_served_bytes_total", "State that was streamed to members that copied it.");
        var refused = factory.CreateCounter("vaecluster_worker_streams_refused_total", "Streams of segments that were not taken.", ["reason"]);
        streams = Enum.GetValues<StreamRefusal>().ToDictionary(reason => reason, reason => refused.WithLabels(Label(reason)));
        segments = factory.CreateCounter("vaecluster_worker_segments_refused_total", "Segments that ended their stream: they fitted nowhere.");

        loaded = factory.CreateCounter("vaecluster_worker_images_loaded_total", "Images read ahead for training, those that no step took included.");
        readyBatches = factory.CreateGauge("vaecluster_worker_ready_batches", "Batches of slots that are read ahead and wait for their step.");
        brokenImages = factory.CreateGauge("vaecluster_worker_broken_images", "Images that this worker met and could not decode; others stand in for them.");
        var lookups = factory.CreateCounter("vaecluster_worker_cache_lookups_total", "Images looked up in the decoded cache.", ["result"]);
        (cacheHits, cacheMisses) = (lookups.WithLabels("hit"), lookups.WithLabels("miss"));
        cacheBytes = factory.CreateGauge("vaecluster_worker_cache_size_bytes", "Pixels in the decoded cache, which the workers of a machine share; 0 without one.");

        var saves = factory.CreateCounter("vaecluster_worker_checkpoints_total", "What became of the checkpoints that this worker was to write.", ["outcome"]);
        checkpoints = Children(["saved", "attempt_failed", "superseded", "refused", "abandoned"], saves.WithLabels);
        checkpointSteps = factory.CreateGauge("vaecluster_worker_checkpoint_completed_steps", "Steps of the newest checkpoint that this worker has saved.");
        checkpointBytes = factory.CreateGauge("vaecluster_worker_checkpoint_size_bytes", "All files of that checkpoint.");
        checkpointDuration = factory.CreateHistogram("vaecluster_worker_checkpoint_duration_seconds", "From the snapshot to the name in latest, retries included.",
            [], new HistogramConfiguration { Buckets = Histogram.ExponentialBuckets(0.01, 2, 16) }); // 10 ms to 5.5 min
    }

    public void Step(StepOutcome outcome)
    {
        ArgumentNullException.ThrowIfNull(outcome);
        // Before the count, so that no count is seen with the time of the step before.
        lastStep.SetToCurrentTimeUtc();
        completedSteps.Set(outcome.Step);
        losses["total"].Set(outcome.Loss);
        losses["reconstruction"].Set(outcome.Recon);
        losses["kl"].Set(outcome.Kl);
        losses["beta"].Set(outcome.Beta);
        losses["gradient_norm"].Set(outcome.GradientNorm);
        losses["learning_rate"].Set(outcome.LearningRate);
        images.Inc(outcome.Samples);
        if (!outcome.Updated) skipped.Inc();
        if (outcome.Duration <= TimeSpan.Zero) return; // copied, not computed
        imagesPerSecond.Set(outcome.Samples / outcome.Duration.TotalSeconds);
        duration.Observe(outcome.Duration.TotalSeconds);
        var times = outcome.Parts;
        parts["data"].Observe(times.DataWait.TotalSeconds);
        parts["forward"].Observe(times.Forward.TotalSeconds);
        parts["backward"].Observe(times.Backward.TotalSeconds);
        parts["exchange"].Observe(times.Exchange.TotalSeconds);
        exchanging.Inc(times.WholeExchange.TotalSeconds);
        parts["update"].Observe(times.Optimizer.TotalSeconds);
    }

    /// <summary>The state jumped: copied from a member, or loaded from a checkpoint.</summary>
    public void Holds(long steps) => completedSteps.Set(steps);

    /// <summary>The step in flight was given up, and will be done again.</summary>
    public void StepRedone() => redone.Inc();

    public void Validation(ValidationOutcome outcome)
    {
        ArgumentNullException.ThrowIfNull(outcome);
        validation["total"].Set(outcome.Losses.Loss);
        validation["reconstruction"].Set(outcome.Losses.Recon);
        validation["kl"].Set(outcome.Losses.Kl);
        activeUnits.Set(outcome.ActiveUnits);
    }

    /// <summary>A plan came into force here.</summary>
    /// <param name="generation">Its own.</param>
    /// <param name="contributing">Members with slots.</param>
    /// <param name="spare">Members without.</param>
    /// <param name="ownSlots">Of this worker.</param>
    public void Plan(Generation generation, int contributing, int spare, int ownSlots)
    {
        term.Set(generation.Term);
        number.Set(generation.Number);
        contributors.Set(contributing);
        spares.Set(spare);
        slots.Set(ownSlots);
    }

    /// <summary>It works under no plan any more.</summary>
    public void NoPlan() => Plan(default, 0, 0, 0);

    /// <summary>How long the training thread was at something.</summary>
    internal void Time(TimePart part, TimeSpan time) => times[part].Inc(time.TotalSeconds);

    /// <summary>What the images and the pace of steps have come to, as of now.</summary>
    /// <param name="images">Of the training pipeline.</param>
    /// <param name="secondsOfSlot">0 without slots.</param>
    public void Pace(PipelineSnapshot images, double secondsOfSlot)
    {
        slotSeconds.Set(secondsOfSlot);
        loaded.IncTo(images.Images);
        readyBatches.Set(images.Ready);
        brokenImages.Set(images.Broken);
        cacheHits.IncTo(images.CacheHits);
        cacheMisses.IncTo(images.CacheMisses);
        cacheBytes.Set(images.CacheBytes);
    }

    /// <summary>What has been counted elsewhere since this worker began.</summary>
    /// <param name="bytes">By the exchange.</param>
    /// <param name="shared">Of those, through shared memory.</param>
    /// <param name="stateServed">Bytes of the state, to members that copied it.</param>
    /// <param name="refused">Streams of segments that were not taken.</param>
    public void Traffic((long Sent, long Received) bytes, (long Sent, long Received) shared, long stateServed, Func<StreamRefusal, long> refused)
    {
        ArgumentNullException.ThrowIfNull(refused);
        sent.IncTo(bytes.Sent - shared.Sent);
        received.IncTo(bytes.Received - shared.Received);
        sentShared.IncTo(shared.Sent);
        receivedShared.IncTo(shared.Received);
        served.IncTo(stateServed);
        foreach (var (reason, counter) in streams) counter.IncTo(refused(reason));
        // A segment that fits nowhere ends its stream.
        segments.IncTo(refused(StreamRefusal.WrongSegment));
    }

    public void Checkpoint(CheckpointOutcome outcome)
    {
        checkpoints[outcome switch
        {
            CheckpointSaved => "saved",
            CheckpointAttemptFailed => "attempt_failed",
            CheckpointSuperseded => "superseded",
            CheckpointRefused => "refused",
            CheckpointAbandoned => "abandoned",
            _ => throw new ArgumentException($"{outcome} is no known outcome.", nameof(outcome)),
        }].Inc();
        if (outcome is not CheckpointSaved saved) return;
        checkpointSteps.Set(saved.Step);
        checkpointBytes.Set(saved.Bytes);
        checkpointDuration.Observe(saved.Duration.TotalSeconds);
    }

    private static Dictionary<string, T> Children<T>(IEnumerable<string> labels, Func<string[], T> child) =>
        labels.ToDictionary(label => label, label => child([label]));

    /// <summary>WrongMember becomes wrong_member.</summary>
    private static string Label(StreamRefusal reason) => System.Text.Json.JsonNamingPolicy.SnakeCaseLower.ConvertName(reason.ToString());
}
