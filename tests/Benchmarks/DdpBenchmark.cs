using System.Diagnostics;
using VaeCluster.Cluster.Tests;

namespace Benchmarks;

/// <summary>
/// Two workers beside DistributedDataParallel on gloo: two processes of one thread each, the same model, batch and libtorch, in
/// turns. Images/s of steps seen done by a worker's metrics, over some seconds in the middle of a fresh run each time; DDP's
/// by its own clock. Ours with eight slots, as runs have that workers may join and leave, and with two, one for each worker
/// as DDP cuts the batch; and one worker alone, for the scaling.
/// </summary>
internal static class DdpBenchmark
{
    private const int Rounds = 3;
    private static readonly TimeSpan Warming = TimeSpan.FromSeconds(2);

    public static Task RunMnistAsync() => CompareAsync("mnist", 128, 28, 4);

    public static Task RunTinyAsync() => CompareAsync("tiny", 16, 32, 4);

    public static Task RunSmallAsync() => CompareAsync("sd-small", 8, 64, 4);

    private static async Task CompareAsync(string preset, int batch, int size, double seconds)
    {
        using var peer = new Peer("ddp_step.py", preset, $"{batch}", $"{size}");
        var steps = Math.Max(3, (int)(seconds / peer.Run(3)[^1]));
        List<double> theirs = [], eight = [], two = [], alone = [];
        List<(double Exposed, double Whole)> exchanges = [];
        for (var round = 0; round < Rounds; round++)
        {
            theirs.Add(batch * steps / peer.Run(steps).Sum());
            eight.Add(await RateAsync(preset, batch, size, slots: 8, workers: 2, seconds, exchanges));
            two.Add(await RateAsync(preset, batch, size, slots: 2, workers: 2, seconds, null));
            alone.Add(await RateAsync(preset, batch, size, slots: 8, workers: 1, seconds, null));
        }
        var (ddp, ours, coarse, one) = (new Figures(theirs), new Figures(eight), new Figures(two), new Figures(alone));
        Console.WriteLine($"{preset}, {batch} x {size} px, images/s, median (range) of {Rounds} rounds:");
        Console.WriteLine($"  DDP on gloo, 2 processes   {ddp}");
        Console.WriteLine($"  2 workers, 8 slots         {ours}   ratio {ours.Median / ddp.Median:F2} (wanted: 1.0)");
        Console.WriteLine($"  2 workers, 2 slots         {coarse}   ratio {coarse.Median / ddp.Median:F2}");
        Console.WriteLine($"  1 worker, 8 slots          {one}   scaling from 1 to 2 workers {ours.Median / one.Median:F2}");
        Console.WriteLine($"  exchange, 8 slots: {new Figures(exchanges.Select(each => 1e3 * each.Whole))} ms from the first bucket that leaves to the last result, "
            + $"waited for after backward {new Figures(exchanges.Select(each => 1e3 * each.Exposed))} ms, "
            + $"hidden behind backward {100 * (1 - exchanges.Sum(each => each.Exposed) / exchanges.Sum(each => each.Whole)):F0} %");
    }

    private static async Task<double> RateAsync(string preset, int batch, int size, int slots, int workers, double seconds, List<(double Exposed, double Whole)>? exchanges)
    {
        await using var cluster = new TestCluster(BenchmarkConfigs.Preset(preset, batch, size, slots), $"plans.min_members={workers}");
        using var watch = StepWatch.Start(cluster, "w1");
        for (var i = 2; i <= workers; i++) cluster.StartWorker($"w{i}");
        // Compiled, and pages touched.
        var first = watch.WaitFor("a step is done", seen => seen.Steps > 0);
        watch.WaitFor("the run is warm", seen => seen.Steps >= first.Steps + 5 && Stopwatch.GetElapsedTime(first.Time, seen.Time) > Warming);
        var (exposed, whole, count) = await ExchangeAsync();
        var rate = batch / watch.SecondsPerStep(seconds, 3);
        var (exposedAfter, wholeAfter, countAfter) = await ExchangeAsync();
        exchanges?.Add(((exposedAfter - exposed) / (countAfter - count), (wholeAfter - whole) / (countAfter - count)));
        return rate;

        async Task<(double Exposed, double Whole, double Count)> ExchangeAsync() => (await watch.ReadAsync("vaecluster_worker_step_part_seconds_sum{part=\"exchange\"}"),
            await watch.ReadAsync("vaecluster_worker_exchange_seconds_total"), await watch.ReadAsync("vaecluster_worker_step_duration_seconds_count"));
    }
}
