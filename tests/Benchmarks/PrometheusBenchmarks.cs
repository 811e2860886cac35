using System.Diagnostics;
using Prometheus;

namespace Benchmarks;

/// <summary>
/// What a metric costs where it is counted, and what a scrape costs. The floor beside the increments is one interlocked
/// addition, which nothing that many threads may count can undercut.
/// </summary>
internal static class PrometheusBenchmarks
{
    private const int Calls = 2_000_000;
    private const int Rounds = 7;
    private const int Series = 10_000;

    public static async Task RunAsync()
    {
        Increments();
        await ScrapesAsync();
    }

    private static void Increments()
    {
        var factory = Metrics.WithCustomRegistry(Metrics.NewCustomRegistry());
        var counter = factory.CreateCounter("unlabelled_total", "Benchmark.");
        var labelled = factory.CreateCounter("labelled_total", "Benchmark.", "worker", "phase");
        var child = labelled.WithLabels("w-0", "forward");
        var gauge = factory.CreateGauge("level", "Benchmark.");
        var histogram = factory.CreateHistogram("step_seconds", "Benchmark.");
        string[] values = ["w-0", "forward"];
        var floor = 0L;

        Console.WriteLine($"{"operation",-44} {"ns, median (range)",-28} bytes allocated per call");
        Measure("interlocked addition (floor)", () => { for (var i = 0; i < Calls; i++) Interlocked.Add(ref floor, 1); });
        Measure("Counter.Inc, labelled series kept", () => { for (var i = 0; i < Calls; i++) child.Inc(); });
        Measure("Counter.Inc, no labels", () => { for (var i = 0; i < Calls; i++) counter.Inc(); });
        Measure("Gauge.Set", () => { for (var i = 0; i < Calls; i++) gauge.Set(i); });
        Measure("Histogram.Observe, 15 buckets", () => { for (var i = 0; i < Calls; i++) histogram.Observe(i & 7); });
        Measure("WithLabels(array kept).Inc", () => { for (var i = 0; i < Calls; i++) labelled.WithLabels(values).Inc(); });
        Measure("WithLabels(span).Inc", () =>
        {
            for (var i = 0; i < Calls; i++) labelled.WithLabels((ReadOnlySpan<string>)["w-0", "forward"]).Inc();
        });
        Measure("WithLabels(\"w-0\", \"forward\").Inc", () => { for (var i = 0; i < Calls; i++) labelled.WithLabels("w-0", "forward").Inc(); });

        var perThread = Calls / Environment.ProcessorCount;
        Measure($"Counter.Inc, one series, {Environment.ProcessorCount} threads", () =>
            Parallel.For(0, Environment.ProcessorCount, _ => { for (var i = 0; i < perThread; i++) child.Inc(); }));
    }

    private static void Measure(string what, Action calls)
    {
        calls(); // compiled and tiered up before it counts
        calls();
        var allocated = 0L;
        var nanoseconds = new Figures(Enumerable.Range(0, Rounds).Select(_ =>
        {
            var before = GC.GetAllocatedBytesForCurrentThread();
            var start = Stopwatch.GetTimestamp();
            calls();
            var elapsed = Stopwatch.GetElapsedTime(start);
            allocated = GC.GetAllocatedBytesForCurrentThread() - before;
            return elapsed.TotalNanoseconds / Calls;
        }).ToList());
        Console.WriteLine($"{what,-44} {nanoseconds,-28} {(double)allocated / Calls:G3}");
    }

    private static async Task ScrapesAsync()
    {
        var registry = Metrics.NewCustomRegistry();
        var factory = Metrics.WithCustomRegistry(registry);
        var counters = factory.CreateCounter("benchmark_events_total", "Benchmark.", "worker", "phase", "slot");
        var gauges = factory.CreateGauge("benchmark_level", "Benchmark.", "worker", "phase", "slot");
        var random = new Random(1);
        for (var i = 0; i < Series / 2; i++)
        {
            counters.WithLabels($"worker-{i % 50}", "forward", $"{i}").Inc(i);
            gauges.WithLabels($"worker-{i % 50}", "backward", $"{i}").Set(random.NextDouble());
        }

        Console.WriteLine($"\n{Series} series, half whole numbers, half fractions; a scrape into memory:");
        using var stream = new MemoryStream();
        foreach (var format in Enum.GetValues<ExpositionFormat>())
        {
            var (milliseconds, allocated) = (new List<double>(), 0L);
            for (var round = 0; round < 30; round++)
            {
                stream.SetLength(0);
                var before = GC.GetTotalAllocatedBytes(precise: true);
                var start = Stopwatch.GetTimestamp();
                await registry.CollectAndExportAsTextAsync(stream, format);
                var elapsed = Stopwatch.GetElapsedTime(start);
                allocated = GC.GetTotalAllocatedBytes(precise: true) - before;
                if (round == 0) Console.WriteLine($"{format,-16} first {elapsed.TotalMilliseconds:G3} ms");
                if (round >= 10) milliseconds.Add(elapsed.TotalMilliseconds);
            }
            Console.WriteLine($"{format,-16} {new Figures(milliseconds)} ms, {stream.Length:N0} bytes, {allocated:N0} allocated");
        }
    }
}
