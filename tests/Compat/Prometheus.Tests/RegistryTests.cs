namespace Prometheus.Tests;

public sealed class RegistryTests
{
    private readonly CollectorRegistry registry = Metrics.NewCustomRegistry();
    private MetricFactory Factory => Metrics.WithCustomRegistry(registry);

    [Fact]
    public void Create_SameNameAndLabels_ReturnsTheFirst()
    {
        Assert.Same(Factory.CreateCounter("c_total", "one", "a"), Factory.CreateCounter("c_total", "two", "a"));
        Assert.Same(Factory.CreateGauge("g", ""), Factory.CreateGauge("g", "", new GaugeConfiguration { LabelNames = [] }));
        Assert.Same(Factory.CreateHistogram("h", "", "a", "b"),
            Factory.CreateHistogram("h", "", new HistogramConfiguration { LabelNames = ["a", "b"] }));
    }

    [Fact]
    public void Create_SameNameWithAnotherType_Throws()
    {
        Factory.CreateCounter("m", "");
        Assert.Throws<InvalidOperationException>(() => Factory.CreateGauge("m", ""));
        Assert.Throws<InvalidOperationException>(() => Factory.CreateHistogram("m", "", "a"));
    }

    [Fact]
    public async Task Create_SameNameWithOtherLabels_JoinsTheFamily()
    {
        Factory.CreateGauge("g", "First.", "a").WithLabels("x").Set(1);
        Factory.CreateGauge("between", "");
        Factory.CreateGauge("g", "Second.", "b").WithLabels("y").Set(2);

        Assert.Equal("""
            # HELP g First.
            # TYPE g gauge
            g{a="x"} 1
            g{b="y"} 2
            # HELP between 
            # TYPE between gauge
            between 0

            """, await registry.ExportAsync());
    }

    [Fact]
    public async Task Registries_SameName_AreApart()
    {
        var other = Metrics.NewCustomRegistry();
        Factory.CreateGauge("g", "").Set(1);
        Metrics.WithCustomRegistry(other).CreateGauge("g", "").Set(2);

        Assert.Equal(1, (await registry.ExportAsync()).ValueOf("g"));
        Assert.Equal(2, (await other.ExportAsync()).ValueOf("g"));
    }

    [Fact]
    public async Task StaticLabels_OfFactoryAndRegistry_FollowTheSeriesOwn()
    {
        registry.SetStaticLabels(new Dictionary<string, string> { ["cluster"] = "c\"1" });
        var factory = Factory.WithLabels(new Dictionary<string, string> { ["run"] = "r1" })
            .WithLabels(new Dictionary<string, string> { ["host"] = "h1" });
        factory.CreateCounter("c_total", "", ["a"]).WithLabels("x").Inc();
        Factory.CreateGauge("g", "").Set(1);

        var export = await registry.ExportAsync();
        Assert.Equal(1, export.ValueOf("c_total{a=\"x\",run=\"r1\",host=\"h1\",cluster=\"c\\\"1\"}"));
        Assert.Equal(1, export.ValueOf("g{cluster=\"c\\\"1\"}"));
        Assert.Equal([new("cluster", "c\"1")], registry.StaticLabels);
    }

    [Fact]
    public async Task StaticLabels_OfTwoFactories_AreTwoMetricsOfOneFamily()
    {
        foreach (var run in new[] { "r1", "r2" })
        {
            Factory.WithLabels(new Dictionary<string, string> { ["run"] = run }).CreateCounter("c_total", "").Inc();
        }
        Assert.Equal("# HELP c_total \n# TYPE c_total counter\nc_total{run=\"r1\"} 1\nc_total{run=\"r2\"} 1\n", await registry.ExportAsync());
    }

    [Fact]
    public void StaticLabels_TooLateOrTwice_Throw()
    {
        var labels = new Dictionary<string, string> { ["a"] = "1" };
        registry.SetStaticLabels(labels);
        Assert.Throws<InvalidOperationException>(() => registry.SetStaticLabels(labels));
        Assert.Throws<InvalidOperationException>(() => Factory.CreateCounter("c_total", "", "a"));
        Assert.Throws<InvalidOperationException>(() => Factory.WithLabels(labels).CreateCounter("c_total", ""));
        Assert.Throws<InvalidOperationException>(() => Factory.WithLabels(labels).WithLabels(labels));

        var used = Metrics.NewCustomRegistry();
        Metrics.WithCustomRegistry(used).CreateCounter("c_total", "");
        Assert.Throws<InvalidOperationException>(() => used.SetStaticLabels(labels));
        Assert.Throws<ArgumentException>(() => used.SetStaticLabels(new Dictionary<string, string> { ["not valid"] = "1" }));
    }

    [Fact]
    public async Task BeforeCollect_Callbacks_RunOncePerExport()
    {
        var gauge = Factory.CreateGauge("g", "");
        registry.AddBeforeCollectCallback(() => gauge.Inc());
        registry.AddBeforeCollectCallback(async cancel =>
        {
            await Task.Yield();
            gauge.Inc(10);
        });

        Assert.Equal(11, (await registry.ExportAsync()).ValueOf("g"));
        Assert.Equal(22, (await registry.ExportAsync()).ValueOf("g"));
    }

    [Fact]
    public async Task BeforeCollect_CallbackFails_FailsTheExport()
    {
        registry.AddBeforeCollectCallback(cancel => Task.FromException(new ScrapeFailedException("no data")));
        using var stream = new MemoryStream();

        var failure = await Assert.ThrowsAsync<ScrapeFailedException>(
            () => registry.CollectAndExportAsTextAsync(stream, TestContext.Current.CancellationToken));

        Assert.Equal("no data", failure.Message);
        Assert.Equal(0, stream.Length);
    }
}
