using System.Diagnostics;
using VaeCluster.Config;
using VaeCluster.Torch;
using VaeCluster.Worker.Training;
using static TorchSharp.torch;

namespace VaeCluster.Worker.Profiling;

/// <summary>
/// Measures the steps of a configuration in this process, then those of a few changes to it: nothing is written. On the CPU, and
/// without other members: what these add shows on a run's status page.
/// </summary>
public static class Profiler
{
    private const int WarmUp = 2, LeastSteps = 3;

    /// <param name="load">The configuration, with these settings (key=value) over whatever it says.</param>
    /// <param name="time">For each configuration; three steps at least.</param>
    /// <param name="progress">Told what is being measured.</param>
    /// <param name="cancellation">Gives it up.</param>
    /// <exception cref="UserErrorException">The data or the configuration can't be trained.</exception>
    public static Profile Measure(Func<IReadOnlyList<string>, RunConfig> load, TimeSpan time, Action<string> progress, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(load);
        ArgumentNullException.ThrowIfNull(progress);
        // 1. As it is.
        var config = load([]);
        var train = config.Train;
        progress("the configuration as it is");
        var (steps, modelBytes) = Steps(config, time, cancellation);
        using var process = Process.GetCurrentProcess();
        var most = process.PeakWorkingSet64;

        // 2. What the machine does at best.
        progress("the machine");
        var peak = PeakFlops();

        // 3. Changed. Settings that do not go together with the others are left out.
        var probes = new List<Probe>();
        List<string> settings = [];
        if (train.Slots > 1) settings.Add($"train.slots={train.Slots / 2}");
        if (train.Slots * 2 <= train.Batch) settings.Add($"train.slots={train.Slots * 2}");
        if (train.MicroBatch is { } micro && micro * 2 <= train.Batch / train.Slots) settings.Add($"train.micro_batch={micro * 2}");
        if (train.Precision == Precision.Fp32) settings.Add("train.precision=bf16");
        foreach (var setting in settings)
        {
            progress(setting);
            try
            {
                // In turn: a machine's own speed changes from minute to minute.
                var changed = Steps(load([setting]), time, cancellation).Profile.ImagesPerSecond;
                probes.Add(new(setting, changed / Steps(config, time, cancellation).Profile.ImagesPerSecond));
            }
            catch (UserErrorException exception)
            {
                progress($"{setting}: {exception.Message}");
            }
        }
        return new(steps, probes, peak, modelBytes, most, Environment.ProcessorCount, train.Threads, train.Slots);
    }

    private static (StepProfile Profile, long ModelBytes) Steps(RunConfig config, TimeSpan time, CancellationToken cancellation)
    {
        using var training = new LocalTraining(config, cancellation);
        config.FixHorizon(training.TotalSteps);
        var done = new List<StepOutcome>();
        var start = Stopwatch.GetTimestamp();
        for (var step = 0; step < training.TotalSteps; step++)
        {
            if (step == WarmUp) start = Stopwatch.GetTimestamp();
            var outcome = training.RunStep(cancellation);
            if (step >= WarmUp) done.Add(outcome);
            if (done.Count >= LeastSteps && Stopwatch.GetElapsedTime(start) >= time) break;
        }
        if (done.Count == 0) throw new UserErrorException($"train.steps: a profile needs more than {WarmUp} steps, and this run has {training.TotalSteps}.");
        var perWeight = config.Optimizer.Name == OptimizerName.Sgd ? 3 : 4; // weight, gradient, and one or two moments
        if (config.Optimizer.EmaDecay > 0) perWeight++;
        return (StepProfile.Of(done, training.ForwardFlops), training.ParameterCount * sizeof(float) * perWeight);
    }

    /// <summary>The best of a few large matrix products, with the threads that libtorch has: 2 n^3 each.</summary>
    private static double PeakFlops()
    {
        const long size = 1024;
        using var _ = no_grad();
        using var left = rand(size, size);
        using var right = rand(size, size);
        var best = double.PositiveInfinity;
        for (var i = 0; i < 12; i++)
        {
            var start = Stopwatch.GetTimestamp();
            left.mm(right).Dispose();
            best = Math.Min(best, Stopwatch.GetElapsedTime(start).TotalSeconds);
        }
        return 2.0 * size * size * size / best;
    }
}
