namespace VaeCluster.Torch;

/// <summary>The learning rate as a function of the step and of nothing else.</summary>
/// <param name="Rate">The full learning rate.</param>
/// <param name="Options">How it moves.</param>
/// <param name="StepsPerEpoch">For exponential, which falls once an epoch.</param>
/// <param name="RunSteps">Cosine's horizon where the options name none.</param>
public sealed record LearningRateSchedule(double Rate, ScheduleOptions Options, long StepsPerEpoch, long RunSteps)
{
    /// <param name="step">0 for the first.</param>
    public double At(long step)
    {
        var warm = step < Options.Warmup ? (step + 1.0) / Options.Warmup : 1;
        return Rate * warm * Options.Kind switch
        {
            ScheduleKind.Exponential => Math.Pow(Options.Gamma, step / StepsPerEpoch),
            // Loshchilov & Hutter 2017, without restarts, over what follows the warm-up.
            ScheduleKind.Cosine => Options.Floor + (1 - Options.Floor) * (1 + Math.Cos(Math.PI * Progress(step))) / 2,
            _ => 1,
        };
    }

    private double Progress(long step)
    {
        var horizon = Options.Steps ?? RunSteps;
        return Math.Clamp((double)(step - Options.Warmup) / Math.Max(1, horizon - Options.Warmup), 0, 1);
    }
}
