using System.Net;

namespace Prometheus.Tests;

public sealed class NegotiationTests
{
    private const string Text = "text/plain; version=0.0.4; charset=utf-8";
    private const string OpenMetrics = "application/openmetrics-text; version=1.0.0; charset=utf-8";

    // What Prometheus 2.42 sends.
    private const string Prometheus = "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,"
        + "text/plain;version=0.0.4;q=0.5,*/*;q=0.1";

    [Theory]
    [InlineData(null, Text)]
    [InlineData("*/*", Text)]
    [InlineData("text/*", Text)]
    [InlineData("text/plain", Text)]
    [InlineData("text/html,application/xhtml+xml,*/*;q=0.8", Text)]
    [InlineData("image/png", Text)]
    [InlineData("not a media type", Text)]
    [InlineData(Prometheus, OpenMetrics)]
    [InlineData("application/openmetrics-text", OpenMetrics)]
    [InlineData("Application/OpenMetrics-Text; Version=\"1.0.0\"", OpenMetrics)]
    [InlineData("application/openmetrics-text;version=9.9.9", Text)]
    [InlineData("application/openmetrics-text;q=0.5,text/plain", Text)]
    [InlineData("text/plain;q=0.5,application/openmetrics-text", OpenMetrics)]
    [InlineData("application/openmetrics-text;q=0,*/*;q=0.1", Text)]
    public async Task Scrape_ByAccept_GetsTheFormat(string? accept, string contentType)
    {
        var registry = Metrics.NewCustomRegistry();
        Metrics.WithCustomRegistry(registry).CreateCounter("c_total", "").Inc();
        await using var host = await MetricsHost.StartAsync(application => application.MapMetrics(registry: registry));

        var (type, body) = await ScrapeAsync(host, "/metrics", accept);

        Assert.Equal(contentType, type);
        Assert.Equal(await registry.ExportAsync(type == OpenMetrics ? ExpositionFormat.OpenMetricsText : ExpositionFormat.PrometheusText), body);
    }

    [Fact]
    public async Task Scrape_OpenMetricsDisabled_GetsText()
    {
        var registry = Metrics.NewCustomRegistry();
        await using var host = await MetricsHost.StartAsync(application => application.MapMetrics(settings =>
        {
            settings.Registry = registry;
            settings.EnableOpenMetrics = false;
        }));

        Assert.Equal(Text, (await ScrapeAsync(host, "/metrics", Prometheus)).Type);
    }

    [Fact]
    public void ContentTypes_OfTheFormats_AreTheSpecifiedOnes()
    {
        Assert.Equal(Text, PrometheusConstants.TextContentTypeWithVersionAndEncoding);
        Assert.Equal(OpenMetrics, PrometheusConstants.OpenMetricsContentTypeWithVersionAndEncoding);
        Assert.Equal("text/plain", PrometheusConstants.TextContentType);
        Assert.Equal("application/openmetrics-text", PrometheusConstants.OpenMetricsContentType);
    }

    private static async Task<(string Type, string Body)> ScrapeAsync(MetricsHost host, string path, string? accept)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, path);
        if (accept is not null) Assert.True(request.Headers.TryAddWithoutValidation("Accept", accept));
        using var response = await host.Client.SendAsync(request, TestContext.Current.CancellationToken);
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        var body = await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
        return (response.Content.Headers.NonValidated["Content-Type"].ToString(), body);
    }
}
