using System.Diagnostics;
using VaeCluster.Data;
using VaeCluster.Data.Pipeline;
using VaeCluster.Models;
using VaeCluster.Models.Objectives;
using static TorchSharp.torch;
using DataRange = VaeCluster.Data.PixelRange;

namespace Benchmarks;

/// <summary>
/// How long a step waits for its images while the model trains on one thread beside the decoding ones: forward and backward
/// of a preset on real images. A step without the optimizer is shorter, so the share is rather too large than too small.
/// </summary>
internal static class DataWaitBenchmark
{
    private const int Slots = 4;

    public static void Run(TemporaryFolder folder)
    {
        VaeCluster.Torch.TorchRuntime.Start(threads: 1);
        Measure("mnist", TestData.Find("mnist") is { } mnist ? $"idx:{mnist}" : $"shapes:{folder.File("shapes")}?size=28", batch: 128, steps: 20);
        Measure("conv64", TestData.Find("dogs") is { } dogs ? $"folder:{dogs}" : $"shapes:{folder.File("shapes")}?size=64", batch: 32, steps: 10);
    }

    private static void Measure(string preset, string source, int batch, int steps)
    {
        using var model = ImageAutoencoder.Create(ModelOptions.Of(preset));
        var objective = new Objective(model, new ObjectiveOptions());
        var shape = new ImageShape((int)model.InputShape.Channels, (int)model.InputShape.Height,
            model.PixelRange == VaeCluster.Models.PixelRange.ZeroToOne ? DataRange.ZeroToOne : DataRange.MinusOneToOne);
        using var data = DataSet.Open(new DataOptions { Source = source, Flip = true });
        using var pipeline = new SlotPipeline(data, PipelineOptions.Training(data, shape, batch, Slots, seed: 1));
        pipeline.Aim(0, Slots, 0);

        var waits = new List<double>();
        var durations = new List<double>();
        for (var step = 0; step < steps; step++)
        {
            var start = Stopwatch.GetTimestamp();
            var wait = 0.0;
            for (var slot = 0; slot < Slots; slot++)
            {
                using var images = pipeline.Take(step, slot, CancellationToken.None);
                wait += images.Wait.TotalSeconds;
                using var scope = NewDisposeScope();
                var input = tensor(images.Pixels.ToArray(), model.InputShape.Batch(images.Count));
                using var terms = objective.Evaluate(input, randn(model.LatentShape.Batch(images.Count)), beta: 1);
                terms.Total.backward();
            }
            // The first step waits for the pipeline to start, once in a run.
            if (step == 0) continue;
            durations.Add(Stopwatch.GetElapsedTime(start).TotalSeconds);
            waits.Add(wait);
        }
        Console.WriteLine($"{preset}: a step of {batch} images takes {1000 * new Figures(durations).Median:F0} ms and waits {100 * waits.Sum() / durations.Sum():F3} % of it for images (ceiling 2 %)");
    }
}
