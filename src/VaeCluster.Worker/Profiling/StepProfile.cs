using VaeCluster.Worker.Training;

namespace VaeCluster.Worker.Profiling;

/// <summary>Where the time of some steps went: seconds of a step, on average.</summary>
/// <param name="Steps">That were measured.</param>
/// <param name="Step">All of it.</param>
/// <param name="Data">Waiting for images.</param>
/// <param name="Update">Norm, clipping, optimizer.</param>
/// <param name="ImagesPerSecond">In these steps.</param>
/// <param name="FlopsPerSecond">Of the model, a forward pass three times over (forward, and a backward pass of two); nothing that is computed around it.</param>
public sealed record StepProfile(int Steps, double Step, double Data, double Forward, double Backward, double Update, double ImagesPerSecond, double FlopsPerSecond)
{
    /// <summary>What none of the parts has: sums of slots, launching.</summary>
    public double Rest => Math.Max(0, Step - Data - Forward - Backward - Update);

    /// <param name="steps">One at least.</param>
    /// <param name="forwardFlops">Of the model, for one image.</param>
    public static StepProfile Of(IReadOnlyCollection<StepOutcome> steps, long forwardFlops)
    {
        ArgumentNullException.ThrowIfNull(steps);
        ArgumentOutOfRangeException.ThrowIfZero(steps.Count, nameof(steps));
        double Mean(Func<StepOutcome, TimeSpan> time) => steps.Average(step => time(step).TotalSeconds);
        var images = steps.Sum(step => step.Samples) / steps.Sum(step => step.Duration.TotalSeconds);
        return new(steps.Count, Mean(step => step.Duration), Mean(step => step.Parts.DataWait), Mean(step => step.Parts.Forward),
            Mean(step => step.Parts.Backward), Mean(step => step.Parts.Optimizer), images, 3 * images * forwardFlops);
    }
}

/// <summary>A setting that was tried.</summary>
/// <param name="Setting">key=value.</param>
/// <param name="Gain">Images a second over those of the configuration as it is.</param>
public sealed record Probe(string Setting, double Gain);

/// <summary>What a configuration comes to on this machine, in one process.</summary>
/// <param name="PeakFlopsPerSecond">Of a large matrix product in fp32, with the same threads.</param>
/// <param name="ModelBytes">Weights, gradients and the optimizer's state.</param>
/// <param name="ProcessBytes">The most memory that the process had while the configuration as it is was measured.</param>
/// <param name="Cores">Of this machine.</param>
/// <param name="Threads">Of libtorch, and those that read images.</param>
/// <param name="Slots">Of a step: more workers than that compute nothing.</param>
public sealed record Profile(StepProfile Steps, IReadOnlyList<Probe> Probes, double PeakFlopsPerSecond, long ModelBytes, long ProcessBytes,
    int Cores, int Threads, int Slots);
