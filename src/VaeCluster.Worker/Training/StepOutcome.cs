namespace VaeCluster.Worker.Training;

/// <summary>Where a step's time went.</summary>
/// <param name="DataWait">Waiting for images.</param>
/// <param name="Forward">Forward passes of all slots.</param>
/// <param name="Backward">Backward passes, with the sums in the tree.</param>
/// <param name="Exchange">Waiting for the other members, beyond what backward hid.</param>
/// <param name="Optimizer">Norm, clipping, update, batch statistics.</param>
public readonly record struct StepParts(TimeSpan DataWait, TimeSpan Forward, TimeSpan Backward, TimeSpan Exchange, TimeSpan Optimizer)
{
    /// <summary>From the first own bucket that left to the last result, while backward ran and after it.</summary>
    public TimeSpan WholeExchange { get; init; }
}

/// <summary>A finished step. Losses are per sample, over the samples of the whole step.</summary>
/// <param name="Step">Steps done with this one: 1 after the first.</param>
/// <param name="Epoch">The epoch that the step's samples belong to, from 0.</param>
/// <param name="Samples">Samples of this step.</param>
/// <param name="Loss">Reconstruction + beta * KL, with free bits.</param>
/// <param name="Recon">Reconstruction term, nats or squared error summed over pixels.</param>
/// <param name="Kl">KL in nats, summed over latents.</param>
/// <param name="Psnr">Of the reconstructions, in dB.</param>
/// <param name="GradientNorm">Global norm before clipping.</param>
/// <param name="Updated">False when the norm was not finite and the update was left out.</param>
public sealed record StepOutcome(long Step, long Epoch, long Samples, double Loss, double Recon, double Kl, double Psnr,
    double GradientNorm, double LearningRate, double Beta, bool Updated, TimeSpan Duration, StepParts Parts);
