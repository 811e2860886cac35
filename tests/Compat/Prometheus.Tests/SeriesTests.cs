namespace Prometheus.Tests;

public sealed class SeriesTests
{
    private readonly CollectorRegistry registry = Metrics.NewCustomRegistry();
    private MetricFactory Factory => Metrics.WithCustomRegistry(registry);

    [Fact]
    public void WithLabels_SameValues_IsTheSameSeries()
    {
        var counter = Factory.CreateCounter("c_total", "", "a", "b");
        var child = counter.WithLabels("1", "2");

        Assert.Same(child, counter.WithLabels("1", "2"));
        Assert.Same(child, counter.Labels("1", "2"));
        Assert.Same(child, counter.WithLabels(new[] { "1", "2" }.AsMemory()));
        Assert.Same(child, counter.WithLabels((ReadOnlySpan<string>)["1", "2"]));
        Assert.NotSame(child, counter.WithLabels("2", "1"));
        Assert.NotSame(child, counter.WithLabels("12", ""));
    }

    [Fact]
    public void WithLabels_ArrayChangedLater_KeepsItsValues()
    {
        var counter = Factory.CreateCounter("c_total", "", "a");
        string[] values = ["before"];
        var child = counter.WithLabels(values);
        values[0] = "after";

        Assert.Same(child, counter.WithLabels("before"));
        Assert.Equal([["before"]], counter.GetAllLabelValues());
    }

    [Fact]
    public void WithLabels_WrongCountOrNull_Throws()
    {
        var counter = Factory.CreateCounter("c_total", "", "a", "b");
        Assert.Throws<ArgumentException>(() => counter.WithLabels("1"));
        Assert.Throws<ArgumentException>(() => counter.WithLabels("1", "2", "3"));
        Assert.Throws<ArgumentNullException>(() => counter.WithLabels("1", null!));
        Assert.Empty(counter.GetAllLabelValues());
    }

    [Fact]
    public async Task RemoveLabelled_Series_IsGoneAndStartsAnew()
    {
        var counter = Factory.CreateCounter("c_total", "", "a");
        var old = counter.WithLabels("x");
        old.Inc(5);
        counter.WithLabels("y").Inc();

        counter.RemoveLabelled("x");
        counter.RemoveLabelled("never there");
        old.Inc();
        Assert.Equal("# HELP c_total \n# TYPE c_total counter\nc_total{a=\"y\"} 1\n", await registry.ExportAsync());

        var renewed = counter.WithLabels("x");
        old.Remove(); // does not touch the new series
        Assert.Equal(0, renewed.Value);
        Assert.EndsWith("c_total{a=\"y\"} 1\nc_total{a=\"x\"} 0\n", await registry.ExportAsync());

        renewed.Dispose();
        Assert.Equal([["y"]], counter.GetAllLabelValues());
    }

    [Fact]
    public async Task Unpublish_Series_ComesBackWithItsNextChange()
    {
        var gauge = Factory.CreateGauge("g", "");
        var header = "# HELP g \n# TYPE g gauge\n";
        Assert.Equal(header + "g 0\n", await registry.ExportAsync());

        gauge.Unpublish();
        Assert.Equal(header, await registry.ExportAsync());
        gauge.Inc();
        Assert.Equal(header + "g 1\n", await registry.ExportAsync());
        gauge.Unpublish();
        gauge.Publish();
        Assert.Equal(header + "g 1\n", await registry.ExportAsync());
    }

    [Fact]
    public async Task SuppressInitialValue_Series_AppearsWithItsFirstValue()
    {
        var counter = Factory.CreateCounter("c_total", "", new CounterConfiguration { SuppressInitialValue = true });
        var histogram = Factory.CreateHistogram("h", "", ["a"],
            new HistogramConfiguration { SuppressInitialValue = true, Buckets = [1] });
        histogram.WithLabels("x");
        Assert.DoesNotContain((await registry.ExportAsync()).Split('\n'), line => line.Length > 0 && line[0] != '#');

        counter.Inc(0);
        histogram.WithLabels("x").Observe(1);
        Assert.Equal(0, (await registry.ExportAsync()).ValueOf("c_total"));
        Assert.Equal(1, (await registry.ExportAsync()).ValueOf("h_count{a=\"x\"}"));
    }

    [Fact]
    public async Task Unlabelled_OfAMetricWithLabels_IsASeriesWithout()
    {
        Set(Factory.CreateGauge("g", "", "a"));
        static void Set(ICollector<IGauge> gauge)
        {
            gauge.WithLabels("x").Set(1);
            gauge.Unlabelled.Set(2);
        }

        var export = await registry.ExportAsync();
        Assert.Equal(1, export.ValueOf("g{a=\"x\"}"));
        Assert.Equal(2, export.ValueOf("g"));
    }

    [Theory]
    [InlineData("")]
    [InlineData("1st")]
    [InlineData("with space")]
    [InlineData("dash-ed")]
    [InlineData("a\n")]
    [InlineData("é")]
    public void CreateCounter_BadName_Throws(string name)
    {
        Assert.Throws<ArgumentException>(() => Factory.CreateCounter(name, ""));
        Assert.Throws<ArgumentException>(() => Factory.CreateCounter("c_total", "", name));
    }

    [Fact]
    public void CreateCounter_ReservedOrRepeatedLabel_Throws()
    {
        Assert.Throws<ArgumentException>(() => Factory.CreateCounter("c_total", "", "__name__"));
        Assert.Throws<ArgumentException>(() => Factory.CreateCounter("c_total", "", "a:b"));
        Assert.Throws<InvalidOperationException>(() => Factory.CreateCounter("c_total", "", "a", "a"));
        Assert.Throws<ArgumentException>(() => Factory.CreateHistogram("h", "", "le"));
    }
}
