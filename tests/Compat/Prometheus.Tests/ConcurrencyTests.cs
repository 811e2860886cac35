namespace Prometheus.Tests;

public sealed class ConcurrencyTests
{
    private const int Threads = 8;
    private const int PerThread = 50_000;
    private static readonly TimeSpan Deadline = TimeSpan.FromMinutes(1);

    private readonly CollectorRegistry registry = Metrics.NewCustomRegistry();
    private MetricFactory Factory => Metrics.WithCustomRegistry(registry);

    [Fact]
    public void Changes_FromManyThreads_AddUp()
    {
        var counter = Factory.CreateCounter("c_total", "");
        var labelled = Factory.CreateCounter("l_total", "", "half");
        var gauge = Factory.CreateGauge("g", "");
        var histogram = Factory.CreateHistogram("h", "", new HistogramConfiguration { Buckets = [0.25, 0.75] });

        InParallel(thread =>
        {
            for (var i = 0; i < PerThread; i++)
            {
                counter.Inc(0.5);
                labelled.WithLabels(i % 2 == 0 ? "even" : "odd").Inc();
                gauge.Inc(2);
                gauge.Dec();
                histogram.Observe(i % 2);
            }
        });

        Assert.Equal(0.5 * Threads * PerThread, counter.Value);
        Assert.Equal(0.5 * Threads * PerThread, labelled.WithLabels("even").Value);
        Assert.Equal(0.5 * Threads * PerThread, labelled.WithLabels("odd").Value);
        Assert.Equal(Threads * PerThread, gauge.Value);
        Assert.Equal(Threads * PerThread, histogram.Count);
        Assert.Equal(0.5 * Threads * PerThread, histogram.Sum);
    }

    [Fact]
    public async Task Registration_FromManyThreads_MakesOneMetricAndOneSeriesEach()
    {
        InParallel(thread =>
        {
            for (var i = 0; i < 500; i++)
            {
                Factory.CreateCounter($"c{i % 50}_total", "").Inc();
                Factory.CreateGauge("g", "", "i").WithLabels($"{i}").Inc();
            }
        });

        var export = await registry.ExportAsync();
        for (var i = 0; i < 50; i++) Assert.Equal(Threads * 10, export.ValueOf($"c{i}_total"));
        for (var i = 0; i < 500; i++) Assert.Equal(Threads, export.ValueOf($"g{{i=\"{i}\"}}"));
    }

    [Fact]
    public async Task Export_WhileOthersWrite_IsConsistentEachTime()
    {
        var counter = Factory.CreateCounter("c_total", "");
        var histogram = Factory.CreateHistogram("h", "");
        var coming = Factory.CreateGauge("coming_and_going", "", "i");
        var stop = false;
        var writers = Enumerable.Range(0, 3).Select(writer => Task.Factory.StartNew(() =>
        {
            for (var i = 0; !Volatile.Read(ref stop); i++)
            {
                counter.Inc();
                histogram.Observe(i % 12);
                coming.WithLabels($"{i % 100}").Set(i);
                coming.RemoveLabelled($"{(i + 50) % 100}");
            }
        }, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default)).ToList();

        try
        {
            var (lastCount, lastTotal) = (0.0, 0.0);
            for (var scrape = 0; scrape < 200; scrape++)
            {
                var export = await registry.ExportAsync(scrape % 2 == 0 ? ExpositionFormat.PrometheusText : ExpositionFormat.OpenMetricsText);
                var count = export.ValueOf("h_count");
                Assert.Equal(count, export.ValueOf("h_bucket{le=\"+Inf\"}"));
                Assert.InRange(count, lastCount, double.MaxValue);
                Assert.InRange(export.ValueOf("c_total"), lastTotal, double.MaxValue);
                (lastCount, lastTotal) = (count, export.ValueOf("c_total"));
            }
        }
        finally
        {
            Volatile.Write(ref stop, true);
            await Task.WhenAll(writers).WaitAsync(Deadline, TestContext.Current.CancellationToken);
        }
        Assert.Equal(counter.Value, histogram.Count);
    }

    private static void InParallel(Action<int> body)
    {
        var failures = new List<Exception>();
        var threads = Enumerable.Range(0, Threads).Select(i => new Thread(() =>
        {
            try { body(i); }
            catch (Exception exception) { lock (failures) failures.Add(exception); }
        })).ToList();
        threads.ForEach(thread => thread.Start());
        Assert.All(threads, thread => Assert.True(thread.Join(Deadline), "a thread did not end in time"));
        Assert.Empty(failures);
    }
}
