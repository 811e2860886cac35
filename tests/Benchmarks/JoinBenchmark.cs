using System.Diagnostics;
using VaeCluster.Cluster.Tests;
using VaeCluster.Protocol.V1;

namespace Benchmarks;

/// <summary>
/// A worker that joins a running job with about 100 MB of state (tiny with wide levels, Adam). How long from being ready (the
/// coordinator's status says so, asked every 5 ms; gathering other newcomers, a second by default, is part of it) until the
/// joiner has done its first step with slots of its own; and the longest step of those that train on meanwhile, from ready to
/// that step, against their median step before and a copy of the state in memory. Steps are read from the workers' metrics.
/// </summary>
internal static class JoinBenchmark
{
    private const int Joins = 5;
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(60);

    public static async Task RunAsync()
    {
        foreach (var survivors in (int[])[1, 2]) await MeasureAsync(survivors);
    }

    private static async Task MeasureAsync(int survivors)
    {
        await using var cluster = new TestCluster(BenchmarkConfigs.Preset("tiny", 8, 16, slots: 8, model: ", widths: [128, 224]"), $"plans.min_members={survivors}");
        var watches = Enumerable.Range(1, survivors).Select(i => StepWatch.Start(cluster, $"w{i}")).ToList();
        List<double> joins = [], longest = [], medians = [], ratios = [];
        for (var join = 0; join < Joins; join++)
        {
            await cluster.WaitAsync("all are contributors", status => status is { Phase: RunStatus.Types.Phase.Running, NextPlan: null, Plan: { } plan }
                && plan.Members.Count == survivors && plan.Members.All(member => member.Slots > 0));
            var quiet = Stopwatch.GetTimestamp();
            _ = watches[0].SecondsPerStep(2, 5);
            var loading = Stopwatch.GetTimestamp();
            var id = $"joiner{join}";
            using var joiner = StepWatch.Start(cluster, id);
            await StageAsync(cluster, id, stage => stage is not WorkerStatus.Types.Stage.Loading);
            var ready = Stopwatch.GetTimestamp();
            var begins = joiner.WaitFor("the joiner has slots", seen => seen.Slots > 0, ready);
            var done = joiner.WaitFor("the joiner has done a step", seen => seen.Slots > 0 && seen.Steps > begins.Steps, begins.Time);
            joins.Add(Stopwatch.GetElapsedTime(ready, done.Time).TotalSeconds);
            foreach (var watch in watches)
            {
                var median = watch.StepMilliseconds(quiet, loading).Median;
                // From the step that was in hand on.
                var before = watch.Seen.Last(seen => seen.Time <= ready).Time;
                var most = watch.StepMilliseconds(before, watch.WaitFor("the step in hand is done", seen => seen.Steps >= done.Steps, ready).Time).Maximum;
                medians.Add(median);
                longest.Add(most);
                ratios.Add(most / median);
            }
            cluster.Workers[id].AskToEnd();
            if (!await cluster.Workers[id].EndedAsync(Deadline)) throw new TimeoutException($"The joiner does not leave.\n{cluster.Said}");
        }
        foreach (var watch in watches) watch.Dispose();

        var bytes = cluster.Said.Split('\n').Select(line => line.Split("steps, ") is [var before, var rest] && before.Contains("Copied the state", StringComparison.Ordinal)
            ? long.Parse(rest.Split(' ')[0]) : 0).Max();
        var copy = CopyMilliseconds(bytes);
        var (median1, most1) = (new Figures(medians).Median, new Figures(longest));
        Console.WriteLine($"{survivors} training, one joins {Joins} times, {bytes / 1e6:F0} MB of state: seconds from ready to contributing {new Figures(joins)} (wanted: 2)");
        Console.WriteLine($"  their longest step meanwhile {most1} ms, their median before {median1:F0} ms; ratio {new Figures(ratios)}; a copy of the state {copy:F0} ms; "
            + $"(longest - copy) / median {(most1.Median - copy) / median1:F2}, worst {(most1.Maximum - copy) / median1:F2} (wanted: 1.25)");
    }

    private static async Task StageAsync(TestCluster cluster, string worker, Func<WorkerStatus.Types.Stage, bool> wanted)
    {
        var start = Stopwatch.GetTimestamp();
        while (true)
        {
            var status = await cluster.StatusAsync();
            if (status?.Workers.FirstOrDefault(known => known.WorkerId == worker) is { } known && wanted(known.Stage)) return;
            if (Stopwatch.GetElapsedTime(start) > Deadline) throw new TimeoutException($"{worker} does not get there.\n{cluster.Said}");
            await Task.Delay(5);
        }
    }

    private static double CopyMilliseconds(long bytes)
    {
        var (from, to) = (GC.AllocateArray<byte>((int)bytes), GC.AllocateArray<byte>((int)bytes));
        var times = new List<double>();
        for (var i = 0; i < 7; i++)
        {
            var start = Stopwatch.GetTimestamp();
            from.CopyTo(to, 0);
            times.Add(Stopwatch.GetElapsedTime(start).TotalMilliseconds);
        }
        return new Figures(times).Median;
    }
}
