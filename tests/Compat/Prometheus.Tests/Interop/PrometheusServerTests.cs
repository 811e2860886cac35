namespace Prometheus.Tests;

public sealed class PrometheusServerTests
{
    private const string Awkward = "C:\\dir\n\"quoted\" é 🚀";
    private const string AwkwardInAQuery = """
        "C:\\dir\n\"quoted\" é 🚀"
        """;

    [Fact]
    public async Task RealPrometheus_ScrapesBothFormats_ItsApiReturnsTheValues()
    {
        Assert.SkipUnless(File.Exists(PrometheusServer.Program), $"no {PrometheusServer.Program}: eng/setup.sh test installs it");
        var registry = Metrics.NewCustomRegistry();
        var factory = Metrics.WithCustomRegistry(registry);
        factory.CreateCounter("steps_total", "Steps \\ done.", "worker").WithLabels("w-0").Inc(41.5);
        factory.CreateGauge("loss", "Loss of the last step.", "path").WithLabels(Awkward).Set(-0.1);
        factory.CreateGauge("nothing", "Not a number.").Set(double.NaN);
        factory.CreateGauge("everything", "Infinite.").Set(double.PositiveInfinity);
        var histogram = factory.CreateHistogram("step_seconds", "Duration of a step.", new HistogramConfiguration { Buckets = [0.5, 1, 2] });
        histogram.Observe(0.4, 90);
        histogram.Observe(1.5, 10);

        await using var host = await MetricsHost.StartAsync(application =>
        {
            application.MapMetrics("/openmetrics", registry);
            application.MapMetrics(settings =>
            {
                settings.Registry = registry;
                settings.EnableOpenMetrics = false;
            }, "/text");
            application.MapMetrics(); // the default registry, with the process' metrics
        });
        await using var prometheus = await PrometheusServer.StartAsync($$"""
            global: {scrape_interval: 500ms, scrape_timeout: 500ms}
            scrape_configs:
              - {job_name: openmetrics, metrics_path: /openmetrics, static_configs: [{targets: ['{{host.Address.Authority}}']}]}
              - {job_name: text, metrics_path: /text, static_configs: [{targets: ['{{host.Address.Authority}}']}]}
              - {job_name: process, metrics_path: /metrics, static_configs: [{targets: ['{{host.Address.Authority}}']}]}
            """);

        foreach (var (job, bound) in new[] { ("openmetrics", "2.0"), ("text", "2") })
        {
            Assert.Equal(41.5, await prometheus.QueryAsync($$"""steps_total{job="{{job}}",worker="w-0"}"""));
            Assert.Equal(-0.1, await prometheus.QueryAsync($$"""loss{job="{{job}}",path={{AwkwardInAQuery}}}"""));
            Assert.Equal(double.NaN, await prometheus.QueryAsync($$"""nothing{job="{{job}}"}"""));
            Assert.Equal(double.PositiveInfinity, await prometheus.QueryAsync($$"""everything{job="{{job}}"}"""));
            Assert.Equal(100, await prometheus.QueryAsync($$"""step_seconds_count{job="{{job}}"}"""));
            Assert.Equal(51, await prometheus.QueryAsync($$"""step_seconds_sum{job="{{job}}"}"""), tolerance: 1e-9);
            Assert.Equal(100, await prometheus.QueryAsync($$"""step_seconds_bucket{job="{{job}}",le="{{bound}}"}"""));
            Assert.Equal(1.5, await prometheus.QueryAsync($$"""histogram_quantile(0.95, step_seconds_bucket{job="{{job}}"})"""), tolerance: 1e-9);
            // Asked for as 1, and so waited for: under load a scrape may take longer than it is given.
            Assert.Equal(1, await prometheus.QueryAsync($$"""up{job="{{job}}"} == 1"""));
        }
        Assert.InRange(await prometheus.QueryAsync("process_cpu_seconds_total"), 0.01, 1e6);
        Assert.InRange(await prometheus.QueryAsync("""dotnet_collection_count_total{generation="2"}"""), 0, 1e6);
        Assert.Equal(1, await prometheus.QueryAsync("""up{job="process"} == 1"""));

        // OpenMetrics names a counter's family without the suffix.
        await AssertMetadataAsync(prometheus, "steps_total", "counter", "Steps \\ done.");
        await AssertMetadataAsync(prometheus, "steps", "counter", "Steps \\ done.");
        await AssertMetadataAsync(prometheus, "step_seconds", "histogram", "Duration of a step.");

        Assert.Equal(PrometheusConstants.OpenMetricsContentTypeWithVersionAndEncoding, host.ContentTypes["/openmetrics"]);
        Assert.Equal(PrometheusConstants.OpenMetricsContentTypeWithVersionAndEncoding, host.ContentTypes["/metrics"]);
        Assert.Equal(PrometheusConstants.TextContentTypeWithVersionAndEncoding, host.ContentTypes["/text"]);
    }

    [Fact]
    public async Task RealPrometheus_ValueChanges_SeesTheNewOne()
    {
        Assert.SkipUnless(File.Exists(PrometheusServer.Program), $"no {PrometheusServer.Program}: eng/setup.sh test installs it");
        var registry = Metrics.NewCustomRegistry();
        var gauge = Metrics.WithCustomRegistry(registry).CreateGauge("level", "");
        gauge.Set(1);
        await using var host = await MetricsHost.StartAsync(application => application.MapMetrics(registry: registry));
        await using var prometheus = await PrometheusServer.StartAsync($$"""
            scrape_configs:
              - {job_name: j, scrape_interval: 500ms, scrape_timeout: 500ms, static_configs: [{targets: ['{{host.Address.Authority}}']}]}
            """);

        Assert.Equal(1, await prometheus.QueryAsync("level == 1"));
        gauge.Set(2);
        Assert.Equal(2, await prometheus.QueryAsync("level == 2"));
    }

    private static async Task AssertMetadataAsync(PrometheusServer prometheus, string metric, string type, string help)
    {
        var entries = await prometheus.PollAsync($"/api/v1/metadata?metric={metric}",
            data => data.TryGetProperty(metric, out var found) ? found : null, $"the metadata of {metric}");
        Assert.Equal(type, entries[0].GetProperty("type").GetString());
        Assert.Equal(help, entries[0].GetProperty("help").GetString());
    }
}
