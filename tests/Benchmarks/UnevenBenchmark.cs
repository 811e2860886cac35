using VaeCluster.Cluster.Tests;

namespace Benchmarks;

/// <summary>
/// Two workers, 16 slots, one of them stopped and continued by signals so that it runs a quarter of the time. The ideal is the
/// sum of what each does alone: the rate of one undisturbed worker, and a quarter of it. Measured from the first plan that
/// deals the slots anew, over some seconds; steps are read from the fast worker's metrics. The fast one also has a processor
/// to itself. That the weights are those of one process is UnevenWorkersTests' matter.
/// </summary>
internal static class UnevenBenchmark
{
    private const int Rounds = 2;
    private const int Batch = 64;
    private const int Size = 16;
    private static readonly TimeSpan RunTime = TimeSpan.FromMilliseconds(10);
    private static readonly TimeSpan StopTime = TimeSpan.FromMilliseconds(30);

    public static async Task RunAsync()
    {
        List<double> alone = [], uneven = [], factors = [];
        var dealt = "";
        for (var round = 0; round < Rounds; round++)
        {
            alone.Add(await AloneAsync());
            var (rate, factor, slots) = await UnevenAsync();
            uneven.Add(rate);
            factors.Add(factor);
            dealt = slots;
        }
        var (one, both) = (new Figures(alone), new Figures(uneven));
        Console.WriteLine($"tiny, {Batch} x {Size} px, 16 slots: 1 worker alone {one} images/s; 2 workers, one slowed {new Figures(factors)} times by its slot times, "
            + $"{both} images/s with {dealt} slots");
        Console.WriteLine($"  of the rate-weighted ideal, 1 + 1/4 of one worker: {100 * both.Median / (1.25 * one.Median):F0} % (wanted: 85)");
    }

    private static async Task<double> AloneAsync()
    {
        await using var cluster = new TestCluster(Config, "plans.min_members=1");
        using var watch = StepWatch.Start(cluster, "w1");
        watch.WaitFor("the run is warm", seen => seen.Steps >= 5);
        return Batch / watch.SecondsPerStep(4, 5);
    }

    private static async Task<(double Rate, double Factor, string Slots)> UnevenAsync()
    {
        await using var cluster = new TestCluster(Config, "plans.min_members=2");
        using var watch = StepWatch.Start(cluster, "w1");
        cluster.StartWorker("w2");
        watch.WaitFor("the run is warm", seen => seen.Steps >= 5);
        using (cluster.Workers["w2"].SlowDown(RunTime, StopTime))
        {
            // The first dealing by speed, and the time in which a better one may follow.
            await cluster.WaitAsync("the slots are dealt anew", status => status is { NextPlan: null, Plan: { } plan } && plan.Members[0].Slots != plan.Members[^1].Slots);
            await Task.Delay(TimeSpan.FromSeconds(5));
            var rate = Batch / watch.SecondsPerStep(8, 5);
            var status = await cluster.WaitAsync("both contribute", status => status.Plan?.Members.Count == 2);
            var slots = status.Workers.ToDictionary(worker => worker.WorkerId);
            return (rate, slots["w2"].SlotSeconds / slots["w1"].SlotSeconds, $"{slots["w1"].Slots} + {slots["w2"].Slots}");
        }
    }

    private static string Config => BenchmarkConfigs.Preset("tiny", Batch, Size, slots: 16);
}
