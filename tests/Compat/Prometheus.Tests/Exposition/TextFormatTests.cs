namespace Prometheus.Tests;

public sealed class TextFormatTests
{
    private readonly CollectorRegistry registry = Metrics.NewCustomRegistry();
    private MetricFactory Factory => Metrics.WithCustomRegistry(registry);

    [Fact]
    public async Task Export_AllTypes_IsExactlyTheFormat()
    {
        Factory.CreateCounter("steps_total", "Steps done.").Inc(3);
        var queue = Factory.CreateGauge("queue_length", "Samples that wait.", "kind", "worker");
        queue.WithLabels("train", "w-0").Set(-1.5);
        queue.WithLabels("validation", "w-1").Set(1e20);
        var step = Factory.CreateHistogram("step_seconds", "Duration of a step.", ["phase"],
            new HistogramConfiguration { Buckets = [0.25, 1, 1e6] });
        step.WithLabels("forward").Observe(0.25);
        step.WithLabels("forward").Observe(0.5, 2);
        step.WithLabels("forward").Observe(2e6);

        Assert.Equal("""
            # HELP steps_total Steps done.
            # TYPE steps_total counter
            steps_total 3
            # HELP queue_length Samples that wait.
            # TYPE queue_length gauge
            queue_length{kind="train",worker="w-0"} -1.5
            queue_length{kind="validation",worker="w-1"} 1E+20
            # HELP step_seconds Duration of a step.
            # TYPE step_seconds histogram
            step_seconds_bucket{phase="forward",le="0.25"} 1
            step_seconds_bucket{phase="forward",le="1"} 3
            step_seconds_bucket{phase="forward",le="1000000"} 3
            step_seconds_bucket{phase="forward",le="+Inf"} 4
            step_seconds_sum{phase="forward"} 2000001.25
            step_seconds_count{phase="forward"} 4

            """, await registry.ExportAsync());
    }

    [Fact]
    public async Task Export_HistogramWithoutLabels_HasTheBucketsLabelAlone()
    {
        Factory.CreateHistogram("h", "", new HistogramConfiguration { Buckets = [1] }).Observe(1);

        Assert.Equal("""
            # HELP h 
            # TYPE h histogram
            h_bucket{le="1"} 1
            h_bucket{le="+Inf"} 1
            h_sum 1
            h_count 1

            """, await registry.ExportAsync());
    }

    [Fact]
    public async Task Export_AwkwardText_IsEscapedInHelpAndLabels()
    {
        Factory.CreateGauge("g", "a \\ b\nc \"d\" é", "path").WithLabels("C:\\dir\n\"quoted\" é 🚀").Set(1);

        Assert.Equal(
            "# HELP g a \\\\ b\\nc \"d\" é\n# TYPE g gauge\ng{path=\"C:\\\\dir\\n\\\"quoted\\\" é 🚀\"} 1\n",
            await registry.ExportAsync());
    }

    [Fact]
    public async Task Export_HalfASurrogatePair_StaysValidUtf8()
    {
        Factory.CreateGauge("g", "", "l").WithLabels("a\ud83db").Set(1);

        Assert.Contains("g{l=\"a\ufffdb\"} 1\n", await registry.ExportAsync()); // ExportAsync decodes strictly
    }

    [Theory]
    [InlineData(0, "0")]
    [InlineData(-0.0, "0")]
    [InlineData(42, "42")]
    [InlineData(-7, "-7")]
    [InlineData(0.1, "0.1")]
    [InlineData(1234567.875, "1234567.875")]
    [InlineData(999999999999999, "999999999999999")]
    [InlineData(9007199254740993, "9007199254740992")]
    [InlineData(double.MaxValue, "1.7976931348623157E+308")]
    [InlineData(double.Epsilon, "5E-324")]
    [InlineData(double.NaN, "NaN")]
    [InlineData(double.PositiveInfinity, "+Inf")]
    [InlineData(double.NegativeInfinity, "-Inf")]
    public async Task Export_Number_ReadsBackAsTheSame(double value, string text)
    {
        Factory.CreateGauge("g", "").Set(value);
        var exported = (await registry.ExportAsync()).Split('\n')[2]["g ".Length..];

        if (Math.Abs(value) is < 1e15 or > 1e17 || !double.IsFinite(value)) Assert.Equal(text, exported);
        if (double.IsFinite(value)) Assert.Equal(value, double.Parse(exported));
    }

    [Fact]
    public async Task Export_MoreThanOnePiece_IsComplete()
    {
        var gauge = Factory.CreateGauge("g", "", "i", "padding");
        var padding = new string('x', 500);
        for (var i = 0; i < 2000; i++) gauge.WithLabels($"{i}", padding).Set(i);
        gauge.WithLabels("long", new string('y', 300_000)).Set(1); // longer than the writer's whole buffer

        var lines = (await registry.ExportAsync()).Split('\n');

        Assert.Equal(2 + 2001 + 1, lines.Length);
        for (var i = 0; i < 2000; i++) Assert.Equal($"g{{i=\"{i}\",padding=\"{padding}\"}} {i}", lines[2 + i]);
        Assert.EndsWith("y\"} 1", lines[2002]);
    }
}
