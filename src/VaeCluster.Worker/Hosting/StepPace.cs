using VaeCluster.Protocol.V1;
using VaeCluster.Worker.Training;

namespace VaeCluster.Worker.Hosting;

/// <summary>How the last two seconds of steps went, or the last step where that took longer. Thread-safe.</summary>
internal sealed class StepPace
{
    private static readonly TimeSpan Window = TimeSpan.FromSeconds(2);

    private readonly Lock gate = new();
    private readonly Queue<(StepOutcome Outcome, int Slots)> steps = [];
    private TimeSpan total;
    private StepOutcome? last;
    private ulong skipped;

    public StepOutcome? Last
    {
        get { lock (gate) return last; }
    }

    /// <param name="outcome">The step.</param>
    /// <param name="slots">That were computed here.</param>
    public void Add(StepOutcome outcome, int slots)
    {
        lock (gate)
        {
            last = outcome;
            if (!outcome.Updated) skipped++;
            steps.Enqueue((outcome, slots));
            total += outcome.Duration;
            while (steps.Count > 1 && total - steps.Peek().Outcome.Duration >= Window) total -= steps.Dequeue().Outcome.Duration;
        }
    }

    /// <summary>Forward and backward of a slot, on average; 0 where none was computed.</summary>
    public double SlotSeconds
    {
        get { lock (gate) return MeanOfSlots(); }
    }

    /// <summary>Under another plan the old times say little.</summary>
    public void Restart()
    {
        lock (gate)
        {
            steps.Clear();
            total = TimeSpan.Zero;
        }
    }

    public void WriteTo(Heartbeat heartbeat)
    {
        lock (gate)
        {
            heartbeat.SkippedSteps = skipped;
            skipped = 0;
            if (last is null) return;
            heartbeat.Losses = LossesOf(last);
            if (steps.Count == 0) return;
            heartbeat.SlotSeconds = MeanOfSlots();
            heartbeat.ImagesPerSecond = total > TimeSpan.Zero ? steps.Sum(step => step.Outcome.Samples) / total.TotalSeconds : 0;
            heartbeat.StepTime = new()
            {
                Whole = total.TotalSeconds / steps.Count,
                Data = Mean(parts => parts.DataWait),
                Compute = Mean(parts => parts.Forward + parts.Backward),
                Exchange = Mean(parts => parts.Exchange),
                Update = Mean(parts => parts.Optimizer),
            };
        }
    }

    public static Losses LossesOf(StepOutcome outcome) => new()
    {
        Loss = outcome.Loss,
        Reconstruction = outcome.Recon,
        Kl = outcome.Kl,
        GradientNorm = outcome.GradientNorm,
        LearningRate = outcome.LearningRate,
        Psnr = outcome.Psnr,
        Beta = outcome.Beta,
    };

    private double MeanOfSlots()
    {
        var slots = steps.Sum(step => step.Slots);
        return slots == 0 ? 0 : steps.Sum(step => (step.Outcome.Parts.Forward + step.Outcome.Parts.Backward).TotalSeconds) / slots;
    }

    private double Mean(Func<StepParts, TimeSpan> part) => steps.Sum(step => part(step.Outcome.Parts).TotalSeconds) / steps.Count;
}
