using System.Diagnostics;
using VaeCluster.Config;
using VaeCluster.Models;
using VaeCluster.Torch;
using VaeCluster.Worker.Training;
using static TorchSharp.torch;

namespace Benchmarks;

/// <summary>A whole training step, and its optimizer alone, beside PyTorch on the same libtorch with one thread.</summary>
internal static class TrainingBenchmarks
{
    private const int Rounds = 4;

    public static Task RunAsync()
    {
        Console.WriteLine("Training step, fp32, one thread: images/s, median (least to most); ratio over PyTorch of the medians.");
        foreach (var (preset, batch, size, steps) in new[] { ("mnist", 128, 28, 6), ("tiny", 16, 32, 6), ("sd-small", 8, 64, 3), ("conv64", 64, 64, 3) })
        {
            using var peer = new Peer("training_step.py", preset, $"{batch}", $"{size}");
            using var one = Training(preset, batch, size, slots: 1);
            using var eight = Training(preset, batch, size, slots: 8);
            var (theirs, ours, slotted) = InTurns(batch, steps, peer, one, eight);
            Console.WriteLine($"{preset,-9} {batch} x {size} px   PyTorch {theirs}   1 slot {ours}  ratio {ours.Median / theirs.Median:F2}"
                + $"   8 slots {slotted}  ratio {slotted.Median / theirs.Median:F2}");
        }

        Console.WriteLine("bf16, one thread, over our own fp32 and over PyTorch's bf16 autocast.");
        using (var peer = new Peer("training_step.py", "sd-small", "8", "64", "bf16"))
        using (var fp32 = Training("sd-small", 8, 64, 1))
        using (var bf16 = Training("sd-small", 8, 64, 1, "train.precision=bf16"))
        {
            var (theirs, ours, half) = InTurns(8, 3, peer, fp32, bf16);
            Console.WriteLine($"sd-small  fp32 {ours}   bf16 {half}  ratio {half.Median / ours.Median:F2}   PyTorch bf16 {theirs}  ratio {half.Median / theirs.Median:F2}");
        }
        PrintBf16Accuracy();
        return Task.CompletedTask;
    }

    public static Task RunOptimizerAsync()
    {
        Console.WriteLine("Adam alone, one thread: ms, median (least to most); ratio of PyTorch's time over ours.");
        foreach (var preset in (string[])["tiny", "sd-small"]) CompareOptimizer(preset);
        return Task.CompletedTask;
    }

    private static LocalTraining Training(string preset, int batch, int size, int slots, params string[] more) => new(new ConfigSources
    {
        Text = $$"""
            model: {preset: {{preset}}}
            data: {source: "shapes:?count=400&size={{size}}", size: {{size}}, threads: 1}
            train: {batch: {{batch}}, slots: {{slots}}, steps: 1000000, threads: 1}
            optimizer: {lr: 1e-4}
            """,
        Name = "benchmark",
        Switches = more,
    }.Load());

    private static (Figures Theirs, Figures First, Figures Second) InTurns(int batch, int steps, Peer peer, LocalTraining first, LocalTraining second)
    {
        List<double> theirs = [], one = [], other = [];
        for (var round = 0; round <= Rounds; round++)
        {
            var measured = (peer.Run(steps), Run(first, steps), Run(second, steps));
            if (round == 0) continue; // warm-up
            theirs.AddRange(measured.Item1);
            one.AddRange(measured.Item2);
            other.AddRange(measured.Item3);
        }
        return (PerSecond(theirs), PerSecond(one), PerSecond(other));

        Figures PerSecond(List<double> seconds) => new(seconds.Select(value => batch / value));
    }

    private static List<double> Run(LocalTraining training, int steps)
    {
        var seconds = new List<double>();
        for (var step = 0; step < steps; step++)
        {
            var begun = Stopwatch.GetTimestamp();
            var outcome = training.RunStep(CancellationToken.None);
            var share = (double)outcome.Samples / training.Batch; // the last batch of an epoch is smaller
            seconds.Add(Stopwatch.GetElapsedTime(begun).TotalSeconds / share);
        }
        return seconds;
    }

    /// <summary>
    /// 300 steps with each of three seeds, in fp32 and in bf16: means over 50 steps, how far the seeds are apart in fp32, and how far
    /// bf16 is from the same seed's fp32.
    /// </summary>
    public static Task RunBf16LossAsync()
    {
        const int Block = 50, Blocks = 6;
        Console.WriteLine($"sd-small, 8 images of 32 px, mean loss of {Block} steps each, three seeds: spread of the seeds in fp32, most that bf16 is apart.");
        var losses = new double[2, 3, Blocks];
        for (var seed = 0; seed < 3; seed++)
        {
            using var fp32 = Training("sd-small", 8, 32, 1, $"train.seed={seed}");
            using var bf16 = Training("sd-small", 8, 32, 1, $"train.seed={seed}", "train.precision=bf16");
            for (var step = 0; step < Block * Blocks; step++)
            {
                losses[0, seed, step / Block] += fp32.RunStep(CancellationToken.None).Loss / Block;
                losses[1, seed, step / Block] += bf16.RunStep(CancellationToken.None).Loss / Block;
            }
        }
        for (var block = 0; block < Blocks; block++)
        {
            double[] fp32 = [losses[0, 0, block], losses[0, 1, block], losses[0, 2, block]], bf16 = [losses[1, 0, block], losses[1, 1, block], losses[1, 2, block]];
            var apart = fp32.Zip(bf16, (a, b) => 100 * (b / a - 1)).ToArray();
            Console.WriteLine(FormattableString.Invariant($"steps {1 + block * Block,3} to {(block + 1) * Block,3}  fp32 {fp32[0]:F1} {fp32[1]:F1} {fp32[2]:F1}, ")
                + FormattableString.Invariant($"{100 * (fp32.Max() / fp32.Min() - 1):F2} % apart   bf16 from fp32 {apart[0]:F2}, {apart[1]:F2}, {apart[2]:F2} %"));
        }
        return Task.CompletedTask;
    }

    private static void PrintBf16Accuracy()
    {
        using var fp32 = Training("tiny", 16, 32, 1);
        using var bf16 = Training("tiny", 16, 32, 1, "train.precision=bf16");
        double ours = 0, half = 0;
        for (var step = 0; step < 60; step++)
        {
            var (a, b) = (fp32.RunStep(CancellationToken.None), bf16.RunStep(CancellationToken.None));
            if (step >= 50) (ours, half) = (ours + a.Loss / 10, half + b.Loss / 10);
        }
        Console.WriteLine($"tiny, mean loss of steps 51 to 60: fp32 {ours:F2}, bf16 {half:F2}, {100 * (half / ours - 1):F2} % apart");
    }

    private static void CompareOptimizer(string preset)
    {
        using var peer = new Peer("optimizer_step.py", preset);
        using var model = ImageAutoencoder.Create(VaeCluster.Models.Presets.Preset.Find(preset).Model());
        using var parameters = new FlatParameters(model);
        using var gradient = new FlatGradient(parameters);
        using var optimizer = new FlatOptimizer(parameters, new OptimizerOptions());
        using (no_grad()) gradient.Flat.normal_();
        var norm = optimizer.Norm(gradient);
        List<double> theirs = [], ours = [];
        for (var round = 0; round < Rounds; round++)
        {
            theirs.AddRange(peer.Run(10));
            for (var step = 0; step < 10; step++)
            {
                var begun = Stopwatch.GetTimestamp();
                optimizer.Step(gradient, 1e-4, norm);
                ours.Add(Stopwatch.GetElapsedTime(begun).TotalSeconds);
            }
        }
        var (a, b) = (new Figures(theirs.Skip(10).Select(value => value * 1e3)), new Figures(ours.Skip(10).Select(value => value * 1e3)));
        Console.WriteLine($"{preset,-9} PyTorch {a}   ours {b}  ratio {a.Median / b.Median:F1}");
    }
}
