using System.Diagnostics;
using VaeCluster.Cluster.Tests;
using VaeCluster.Protocol.V1;

namespace Benchmarks;

/// <summary>
/// A worker that joins a running job with about 100 MB of state (tiny with wide levels, Adam). How long from being ready (the
/// coordinator's status says so, asked every 20 ms; gathering other newcomers, a second by default, is part of it) until the
/// newcomer has done its first step with slots of its own; and the longest step of those that train on meanwhile, from ready to
/// that step, against their median step before and a copy of the state in memory. Steps are read from the workers' metrics.
/// </summary>
internal static class JoinBenchmark
{
    private const int Joins = 5;
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(60);

    public static async Task RunAsync()
    {
        foreach (var contributors in (int[])[1, 2]) await MeasureAsync(contributors);
    }

    private static async Task MeasureAsync(int contributors)
    {
        await using var cluster = new TestCluster(BenchmarkConfigs.Preset("tiny", contributors + 1, 16, slots: contributors + 1, model: ", widths: [128, 224]"), $"plans.min_members={contributors}");
        var watches = Enumerable.Range(1, contributors).Select(i => StepWatch.Start(cluster, $"w{i}", StepWatch.Often)).ToList();
        List<double> joins = [], longest = [], medians = [], ratios = [];
        for (var join = 0; join < Joins; join++)
        {
            await cluster.WaitAsync("all are contributors", status => status is { Phase: RunStatus.Types.Phase.Running, NextPlan: null, Plan: { } plan }
                && plan.Members.Count == contributors && plan.Members.All(member => member.Slots > 0));
            var quiet = Stopwatch.GetTimestamp();
            _ = watches[0].SecondsPerStep(2, 5);
            var loading = Stopwatch.GetTimestamp();
            var id = $"newcomer{join}";
            using var newcomer = StepWatch.Start(cluster, id, StepWatch.Often);
            await cluster.WaitAsync("the newcomer is ready", status => status.Workers.Any(known => known.WorkerId == id && known.Stage is not WorkerStatus.Types.Stage.Loading));
            var ready = Stopwatch.GetTimestamp();
            var begins = newcomer.WaitFor("the newcomer has slots", seen => seen.Slots > 0, ready);
            var done = newcomer.WaitFor("the newcomer has done a step", seen => seen.Slots > 0 && seen.Steps > begins.Steps, begins.Time);
            joins.Add(Stopwatch.GetElapsedTime(ready, done.Done).TotalSeconds);
            foreach (var watch in watches)
            {
                var median = watch.StepMilliseconds(quiet, loading).Median;
                // From the step that was in hand on.
                var before = watch.Seen.Last(seen => seen.Done <= ready).Done;
                var most = watch.StepMilliseconds(before, watch.WaitFor("the step in hand is done", seen => seen.Steps >= done.Steps, ready).Done).Maximum;
                medians.Add(median);
                longest.Add(most);
                ratios.Add(most / median);
            }
            cluster.Workers[id].AskToEnd();
            if (!await cluster.Workers[id].EndedAsync(Deadline)) throw new TimeoutException($"The newcomer does not leave.\n{cluster.Said}");
        }
        foreach (var watch in watches) watch.Dispose();

        var bytes = cluster.Said.Split('\n').Select(line => line.Split("steps, ") is [var before, var rest] && before.Contains("Copied the state", StringComparison.Ordinal)
            ? long.Parse(rest.Split(' ')[0]) : 0).Max();
        using var plain = new PlainCopy(bytes);
        var copy = new Figures([.. Enumerable.Range(0, 7).Select(_ => plain.Run())]).Median;
        var (median1, most1) = (new Figures(medians).Median, new Figures(longest));
        Console.WriteLine($"{contributors} training, one joins {Joins} times, {bytes / 1e6:F0} MB of state: seconds from ready to contributing {new Figures(joins)} (wanted: 2)");
        Console.WriteLine($"  their longest step meanwhile {most1} ms, their median before {median1:F0} ms; ratio {new Figures(ratios)}; a copy of the state {copy:F0} ms; "
            + $"(longest - copy) / median {(most1.Median - copy) / median1:F2}, worst {(most1.Maximum - copy) / median1:F2} (wanted: 1.25)");
    }
}
