using System.Globalization;
using VaeCluster.Data.Inputs;
using VaeCluster.Tests;
using static TorchSharp.torch;

namespace Benchmarks;

/// <summary>
/// 500 labelled digits, with and without `vaecluster augment`: the accuracy on the 10,000 test images of a small classifier that is
/// trained the same number of steps on the originals alone, and on originals and variations in turn. The model that draws the
/// variations has seen all 60,000 training images without labels. Over 5 seeds, each with digits of its own.
/// </summary>
internal static class AugmentBenchmark
{
    private const int Labelled = 500, Seeds = 5, PerImage = 4, Steps = 1500, Batch = 50;

    public static Task RunAsync()
    {
        if (TestData.Find("mnist") is not { } mnist)
        {
            Console.WriteLine("MNIST is not here; set VAECLUSTER_TEST_DATA to a folder with mnist/.");
            return Task.CompletedTask;
        }
        var folder = Directory.CreateTempSubdirectory("vaecluster-augment-").FullName;
        try
        {
            var config = Path.Combine(folder, "digits.yaml");
            File.WriteAllText(config, $$"""
                model: {preset: mnist}
                data: {source: "idx:{{mnist}}"}
                train: {batch: 128, slots: 1, epochs: 3, seed: 7, validate_epochs: 0}
                """);
            Run("train", "--config", config, "--run", Path.Combine(folder, "run"));
            Measure(mnist, folder);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
        return Task.CompletedTask;
    }

    private static void Measure(string mnist, string folder)
    {
        var train = DigitFiles.Read(mnist, "train");
        var test = DigitFiles.Read(mnist, "t10k");
        List<double> plain = [], more = [], distances = [];
        foreach (var temperature in (string[])["1", "2"])
        {
            plain.Clear();
            more.Clear();
            for (var seed = 0; seed < Seeds; seed++)
            {
                var (digits, variations) = (Path.Combine(folder, $"digits-{temperature}-{seed}"), Path.Combine(folder, $"more-{temperature}-{seed}"));
                var skip = seed * Labelled;
                var at = 0;
                train.Write(digits, "train", _ => at++ >= skip, Labelled);
                Run("augment", Path.Combine(folder, "run"), $"idx:{digits}/train-images-idx3-ubyte", "--out", variations, "--per-image", $"{PerImage}", "--temperature", temperature, "--seed", $"{seed}");
                var originals = Read(train.Images.AsSpan(skip * 784, Labelled * 784), train.Labels.AsSpan(skip, Labelled));
                var drawn = ReadFolder(variations);
                plain.Add(Accuracy(originals, null, test, seed));
                more.Add(Accuracy(originals, drawn, test, seed));
            }
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"temperature {temperature}: accuracy in % over {Seeds} seeds, {Labelled} digits alone {new Figures(plain)}, mean {plain.Average():F2}; "
                + $"with {PerImage} variations of each {new Figures(more)}, mean {more.Average():F2}"));
        }
    }

    private static double Accuracy((float[] Pixels, long[] Labels) originals, (float[] Pixels, long[] Labels)? variations, DigitFiles test, int seed)
    {
        using var scope = NewDisposeScope();
        using var classifier = new DigitClassifier(seed);
        using var generator = new Generator((ulong)seed);
        var own = Tensors(originals);
        var drawn = variations is { } some ? Tensors(some) : own;
        for (var step = 0; step < Steps; step++)
        {
            using var inner = NewDisposeScope();
            var (images, labels) = step % 2 == 0 ? own : drawn;
            var chosen = randperm(images.shape[0], generator: generator).narrow(0, 0, Batch);
            classifier.Learn(images.index_select(0, chosen), labels.index_select(0, chosen), learningRate: 0.05 * (1 - step / (double)Steps));
        }
        var (all, right) = Tensors(Read(test.Images, test.Labels));
        return 100 * classifier.Accuracy(all, right);
    }

    private static (Tensor, Tensor) Tensors((float[] Pixels, long[] Labels) set) =>
        (tensor(set.Pixels).view(-1, 1, 28, 28), tensor(set.Labels));

    private static (float[], long[]) Read(ReadOnlySpan<byte> images, ReadOnlySpan<byte> labels)
    {
        var pixels = new float[images.Length];
        for (var i = 0; i < pixels.Length; i++) pixels[i] = images[i] / 255f;
        return (pixels, [.. labels.ToArray().Select(label => (long)label)]);
    }

    private static (float[], long[]) ReadFolder(string folder)
    {
        using var images = ImageInputs.Open([folder], new(), new(1, 28, VaeCluster.Data.PixelRange.ZeroToOne), new());
        var all = images.ReadAll();
        return (all.Pixels, [.. all.Images.Select(image => long.Parse(image.Path.Split('/')[0], CultureInfo.InvariantCulture))]);
    }

    private static void Run(params string[] args)
    {
        var run = VaeCluster.Tests.ProgramRun.Of(args);
        if (run.ExitCode != 0) throw new InvalidOperationException($"vaecluster {args[0]} ended with {run.ExitCode}\n{run.Errors}\n{run.Output}");
        if (args[0] == "augment") Console.WriteLine(run.Output.Trim().Split('\n')[^1][(args[4].Length + 2)..]);
    }
}
