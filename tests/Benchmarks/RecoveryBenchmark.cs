using System.Diagnostics;
using VaeCluster.Cluster.Tests;
using VaeCluster.Protocol.V1;

namespace Benchmarks;

/// <summary>
/// What the death of a process costs those that are left. Three workers and a coordinator, tiny at 16 px, fp32 on the wire:
/// <list type="bullet">
/// <item>SIGKILL of a worker: from the signal until another contributor has done the first step of the plan without it, less the
/// median step before. A step of the old plan that still completed does not count.</item>
/// <item>SIGSTOP of a worker: the same, the whole time.</item>
/// <item>SIGKILL of the coordinator and a worker: from the start of the new coordinator's process until its status shows a plan
/// in force without the worker, asked every 20 ms.</item>
/// </list>
/// Steps are read from the first worker's metrics every 3 ms. The peer is torchrun, which starts all processes again: from SIGKILL to
/// the first process's next step, less its median step, looking after its processes every 5 s (its default) and every 0.1 s.
/// </summary>
internal static class RecoveryBenchmark
{
    private const int Kills = 30;
    private const int Others = 3;
    private const int PeerKills = 2;
    private const int Batch = 24;
    private const int Size = 16;

    public static async Task RunAsync()
    {
        await MeasureAsync();
        foreach (var monitor in (string[])["5", "0.1"]) await MeasurePeerAsync(monitor);
    }

    private static async Task MeasureAsync()
    {
        await using var cluster = new TestCluster(BenchmarkConfigs.Preset("tiny", Batch, Size, slots: 8), "plans.min_members=3", "plans.gather_time=100ms");
        // The first one is never killed: it tells.
        using var watch = StepWatch.Start(cluster, "w1", StepWatch.Often);
        var others = new Queue<string>(["w2", "w3"]);
        foreach (var other in others) cluster.StartWorker(other);
        var joined = 3;

        List<double> kills = [], normal = [], stops = [], returns = [];
        for (var kill = 0; kill < Kills; kill++)
        {
            await ThreeAsync(cluster, watch);
            var victim = others.Dequeue();
            var (seconds, step) = Recovery(watch, () => cluster.Workers[victim].Kill());
            kills.Add(1e3 * seconds - step);
            normal.Add(step);
            others.Enqueue($"w{++joined}");
            cluster.StartWorker($"w{joined}");
        }
        Console.WriteLine($"3 workers, {Kills} kills: from SIGKILL to the next step, beyond a normal step of {new Figures(normal).Median:F1} ms: "
            + $"median {new Figures(kills).Median:F0} ms, worst {new Figures(kills).Maximum:F0} ms, least {new Figures(kills).Minimum:F0} ms (wanted: 300, 1000)");

        for (var stop = 0; stop < Others; stop++)
        {
            await ThreeAsync(cluster, watch);
            var victim = others.Last();
            stops.Add(Recovery(watch, () => cluster.Workers[victim].Stop()).Seconds);
            cluster.Workers[victim].Continue();
        }
        Console.WriteLine($"a worker stopped: seconds until the others step again {new Figures(stops)} (wanted: 3)");

        for (var kill = 0; kill < Others; kill++)
        {
            await ThreeAsync(cluster, watch);
            var victim = others.Dequeue();
            cluster.KillCoordinator();
            cluster.Workers[victim].Kill();
            await Task.Delay(1000);
            var start = Stopwatch.GetTimestamp();
            cluster.RestartCoordinator();
            await cluster.WaitAsync("there is a plan of two", status => status is { Phase: RunStatus.Types.Phase.Running, Plan.Members.Count: 2 });
            returns.Add(Stopwatch.GetElapsedTime(start).TotalSeconds);
            others.Enqueue($"w{++joined}");
            cluster.StartWorker($"w{joined}");
        }
        Console.WriteLine($"coordinator and a worker killed: seconds from its restart to status and plan {new Figures(returns)} (wanted: 2)");
    }

    /// <summary>Three contributors, and some steps under their plan.</summary>
    private static async Task ThreeAsync(TestCluster cluster, StepWatch watch)
    {
        await cluster.WaitAsync("three contribute", status => status is { Phase: RunStatus.Types.Phase.Running, NextPlan: null, Plan: { } plan }
            && plan.Members.Count(member => member.Slots > 0) == 3 && plan.Members.Count == 3);
        await Task.Delay(300);
        _ = watch.SecondsPerStep(0, 1);
    }

    private static (double Seconds, double StepMilliseconds) Recovery(StepWatch watch, Action fault)
    {
        var before = watch.Seen[^1];
        var start = Stopwatch.GetTimestamp();
        fault();
        var planned = watch.WaitFor("there is another plan", seen => seen.Plan > before.Plan, start);
        var done = watch.WaitFor("a step is done under it", seen => seen.Steps > planned.Steps, planned.Time);
        var step = watch.StepMilliseconds(watch.WaitFor("the old plan", seen => seen.Plan == before.Plan).Time, start).Median;
        return (Stopwatch.GetElapsedTime(start, done.Done).TotalSeconds, step);
    }

    private static async Task MeasurePeerAsync(string monitor)
    {
        using var peer = new Peer("elastic_training.py", "3", monitor, $"{Batch}", $"{Size}");
        var processes = new Dictionary<int, int>();
        List<double> recoveries = [], steps = [];
        for (var kill = 0; kill <= PeerKills; kill++)
        {
            var killed = Stopwatch.GetTimestamp();
            if (kill > 0) Process.GetProcessById(processes[2]).Kill();
            processes.Clear();
            // Steps of the old group may still be on their way here; the next one's first counts.
            while (processes.Count < 3)
            {
                if ((await NextAsync()).Split(' ') is ["rank", var rank, var process]) processes[int.Parse(rank)] = int.Parse(process);
            }
            await StepAsync();
            var first = Stopwatch.GetElapsedTime(killed).TotalMilliseconds;
            for (var step = 0; step < 30; step++)
            {
                var begun = Stopwatch.GetTimestamp();
                await StepAsync();
                steps.Add(Stopwatch.GetElapsedTime(begun).TotalMilliseconds);
            }
            if (kill > 0) recoveries.Add(first);
        }
        peer.Kill();
        var normal = new Figures(steps).Median;
        Console.WriteLine($"torchrun, 3 processes, monitor {monitor} s, {PeerKills} kills: beyond a normal step of {normal:F1} ms: {new Figures(recoveries.Select(value => value - normal))} ms");

        async Task<string> NextAsync() => await peer.ReadLineAsync() ?? throw new InvalidOperationException("torchrun has ended.");

        async Task StepAsync()
        {
            while (await NextAsync() != "step") { }
        }
    }
}
