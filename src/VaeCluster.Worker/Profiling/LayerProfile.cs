using System.Diagnostics;
using VaeCluster.Config;
using VaeCluster.Models;
using VaeCluster.Torch;
using VaeCluster.Worker.Training;
using static TorchSharp.torch;

namespace VaeCluster.Worker.Profiling;

/// <summary>A layer alone, run as often as a step runs it: seconds of a step.</summary>
/// <param name="Name">In state_dict.</param>
/// <param name="Output">Of one sample.</param>
/// <param name="Flops">Of a step, forward and backward: three times forward.</param>
public sealed record LayerProfile(string Name, SampleShape Output, double Forward, double Backward, double Flops)
{
    private const int LeastRuns = 3;

    public double FlopsPerSecond => Flops / (Forward + Backward);

    /// <summary>
    /// Each layer by itself, on what a first step gives it. Nothing but the layer is measured, so the sum falls short of a step
    /// by what lies between layers: the loss, additions, convolutions that stand alone.
    /// </summary>
    /// <param name="config">Its horizon need not be known.</param>
    /// <param name="time">For all of them; three runs of each at least.</param>
    /// <param name="cancellation">Gives it up.</param>
    /// <exception cref="UserErrorException">The data or the configuration can't be trained.</exception>
    public static IReadOnlyList<LayerProfile> Measure(RunConfig config, TimeSpan time, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(config);
        using var training = new LocalTraining(config, cancellation);
        var layers = training.Layers(cancellation);
        try
        {
            var runs = Math.Ceiling((double)config.Train.Batch / layers[0].Input.shape[0]);
            return [.. layers.Select(layer =>
            {
                var (forward, backward) = Measure(layer, config.Train.Precision, time / layers.Count, cancellation);
                return new LayerProfile(layer.Name, layer.Output, runs * forward, runs * backward, 3.0 * config.Train.Batch * layer.ForwardFlops);
            })];
        }
        finally
        {
            foreach (var layer in layers) layer.Input.Dispose();
        }
    }

    /// <summary>The medians of some runs, after one that is not counted.</summary>
    private static (double Forward, double Backward) Measure(ModelLayer layer, Precision precision, TimeSpan time, CancellationToken cancellation)
    {
        List<double> forward = [], backward = [];
        using var held = HeldWeights.Begin();
        var start = Stopwatch.GetTimestamp();
        while (forward.Count <= LeastRuns || Stopwatch.GetElapsedTime(start) < time)
        {
            cancellation.ThrowIfCancellationRequested();
            using var scope = NewDisposeScope();
            var clock = Stopwatch.GetTimestamp();
            Tensor output;
            using (Autocast.Begin(precision, layer.Input.device_type)) output = layer.Module.forward(layer.Input);
            forward.Add(Stopwatch.GetElapsedTime(clock).TotalSeconds);
            var gradient = ones_like(output);
            clock = Stopwatch.GetTimestamp();
            output.backward([gradient]);
            backward.Add(Stopwatch.GetElapsedTime(clock).TotalSeconds);
            // The next one finds none to add to, as in a step.
            layer.Input.grad = null;
        }
        return (Median(forward), Median(backward));

        static double Median(List<double> times) => times.Skip(1).Order().ElementAt((times.Count - 1) / 2);
    }
}
