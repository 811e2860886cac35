using System.Net;
using Prometheus;
using VaeCluster.Protocol.Health;
using VaeCluster.Protocol.Metrics;

namespace VaeCluster.Protocol.Tests.Metrics;

public sealed class MetricsEndpointTests
{
    private static readonly HttpClient Client = new() { Timeout = TimeSpan.FromSeconds(60) };

    [Fact]
    public async Task Get_Metrics_AreThoseOfTheRegistry()
    {
        var registry = Prometheus.Metrics.NewCustomRegistry();
        Prometheus.Metrics.WithCustomRegistry(registry).CreateCounter("vaecluster_things_total", "Things.").Inc(3);
        await using var endpoint = await StartAsync(registry);

        using var response = await GetAsync(endpoint, "/metrics");

        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Assert.Equal("text/plain", response.Content.Headers.ContentType!.MediaType);
        Assert.Contains("\nvaecluster_things_total 3\n", await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Get_Health_FollowsTheService()
    {
        var health = new ServiceHealth();
        await using var endpoint = await StartAsync(Prometheus.Metrics.NewCustomRegistry(), health);
        using (var serving = await GetAsync(endpoint, "/healthz")) Assert.Equal(HttpStatusCode.OK, serving.StatusCode);

        health.Set("", serving: false);

        using var not = await GetAsync(endpoint, "/healthz");
        Assert.Equal(HttpStatusCode.ServiceUnavailable, not.StatusCode);
    }

    [Fact]
    public async Task Get_Ready_IsHealthAndReadiness()
    {
        var health = new ServiceHealth();
        await using var endpoint = await StartAsync(Prometheus.Metrics.NewCustomRegistry(), health);
        // A host that says nothing of its readiness is ready once it serves.
        Assert.Equal(HttpStatusCode.OK, await StatusOfAsync("/readyz"));

        health.Set(ServiceHealth.Ready, serving: false);
        Assert.Equal(HttpStatusCode.ServiceUnavailable, await StatusOfAsync("/readyz"));
        Assert.Equal(HttpStatusCode.OK, await StatusOfAsync("/healthz"));

        health.Set(ServiceHealth.Ready, serving: true);
        Assert.Equal(HttpStatusCode.OK, await StatusOfAsync("/readyz"));

        health.Set("", serving: false);
        Assert.Equal(HttpStatusCode.ServiceUnavailable, await StatusOfAsync("/readyz"));

        async Task<HttpStatusCode> StatusOfAsync(string path)
        {
            using var response = await GetAsync(endpoint, path);
            return response.StatusCode;
        }
    }

    [Fact]
    public async Task AnythingElse_IsNotThere()
    {
        await using var endpoint = await StartAsync(Prometheus.Metrics.NewCustomRegistry());
        using var other = await GetAsync(endpoint, "/");
        Assert.Equal(HttpStatusCode.NotFound, other.StatusCode);
        using var posted = await Client.PostAsync(endpoint.Address + "/healthz", new StringContent("x"), TestContext.Current.CancellationToken);
        Assert.Equal(HttpStatusCode.MethodNotAllowed, posted.StatusCode);
    }

    [Fact]
    public void DefaultListen_IsLoopback() => Assert.True(new Uri(MetricsEndpoint.DefaultListen).IsLoopback);

    [Theory]
    [InlineData("9464")]
    [InlineData("https://127.0.0.1:0")]
    [InlineData("unix:/tmp/metrics")]
    public async Task StartAsync_NoHttpAddress_IsNamed(string listen) =>
        Assert.Contains(listen, (await Assert.ThrowsAsync<UserErrorException>(() => MetricsEndpoint.StartAsync(listen, cancellationToken: TestContext.Current.CancellationToken))).Message, StringComparison.Ordinal);

    [Fact]
    public async Task StartAsync_PortThatIsTaken_IsNamed()
    {
        await using var first = await StartAsync(Prometheus.Metrics.NewCustomRegistry());
        var failure = await Assert.ThrowsAsync<UserErrorException>(() =>
            MetricsEndpoint.StartAsync(first.Address, cancellationToken: TestContext.Current.CancellationToken));
        Assert.Contains("can't be listened on", failure.Message, StringComparison.Ordinal);
    }

    private static Task<MetricsEndpoint> StartAsync(CollectorRegistry registry, ServiceHealth? health = null) =>
        MetricsEndpoint.StartAsync("http://127.0.0.1:0", registry, health, cancellationToken: TestContext.Current.CancellationToken);

    private static Task<HttpResponseMessage> GetAsync(MetricsEndpoint endpoint, string path) =>
        Client.GetAsync(endpoint.Address + path, TestContext.Current.CancellationToken);
}
