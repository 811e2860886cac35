namespace Prometheus.Tests;

public sealed class OpenMetricsFormatTests
{
    private readonly CollectorRegistry registry = Metrics.NewCustomRegistry();
    private MetricFactory Factory => Metrics.WithCustomRegistry(registry);

    [Fact]
    public async Task Export_AllTypes_IsExactlyTheFormat()
    {
        Factory.CreateCounter("steps_total", "Steps done.", "worker").WithLabels("w-0").Inc(3);
        Factory.CreateGauge("loss", "").Set(0.125);
        Factory.CreateHistogram("step_seconds", "Duration of a step.", new HistogramConfiguration { Buckets = [-1, 0.25, 1, 1e6, 1e20] })
            .Observe(0.5);

        Assert.Equal("""
            # HELP steps Steps done.
            # TYPE steps counter
            steps_total{worker="w-0"} 3
            # HELP loss 
            # TYPE loss gauge
            loss 0.125
            # HELP step_seconds Duration of a step.
            # TYPE step_seconds histogram
            step_seconds_bucket{le="-1.0"} 0
            step_seconds_bucket{le="0.25"} 0
            step_seconds_bucket{le="1.0"} 1
            step_seconds_bucket{le="1000000.0"} 1
            step_seconds_bucket{le="1E+20"} 1
            step_seconds_bucket{le="+Inf"} 1
            step_seconds_sum 0.5
            step_seconds_count 1
            # EOF

            """, await registry.ExportAsync(ExpositionFormat.OpenMetricsText));
    }

    [Fact]
    public async Task Export_CounterWithoutTotal_IsOfUnknownType()
    {
        Factory.CreateCounter("steps", "Steps done.").Inc();

        Assert.Equal("# HELP steps Steps done.\n# TYPE steps unknown\nsteps 1\n# EOF\n",
            await registry.ExportAsync(ExpositionFormat.OpenMetricsText));
    }

    [Fact]
    public async Task Export_AwkwardText_IsEscapedInHelpAndLabels()
    {
        Factory.CreateGauge("g", "a \\ b\nc \"d\"", "path").WithLabels("\\\n\"").Set(1);

        Assert.Equal("# HELP g a \\\\ b\\nc \\\"d\\\"\n# TYPE g gauge\ng{path=\"\\\\\\n\\\"\"} 1\n# EOF\n",
            await registry.ExportAsync(ExpositionFormat.OpenMetricsText));
    }

    [Fact]
    public async Task Export_EmptyRegistry_IsTheEndAlone() =>
        Assert.Equal("# EOF\n", await registry.ExportAsync(ExpositionFormat.OpenMetricsText));
}
