using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;

namespace Prometheus.Tests;

public sealed class ServerTests
{
    private readonly CollectorRegistry registry = Metrics.NewCustomRegistry();
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task MapMetrics_OwnPattern_ServesThatRegistryThereAlone()
    {
        Metrics.WithCustomRegistry(registry).CreateGauge("only_here", "").Set(7);
        await using var host = await MetricsHost.StartAsync(application =>
        {
            application.MapMetrics("/own/metrics", registry);
            application.MapMetrics(); // the default registry
        });

        Assert.Equal(7, (await host.Client.GetStringAsync("/own/metrics", Cancel)).ValueOf("only_here"));
        var standard = await host.Client.GetStringAsync("/metrics", Cancel);
        Assert.DoesNotContain("only_here", standard);
        Assert.Contains("process_cpu_seconds_total", standard);
        Assert.Equal(HttpStatusCode.NotFound, (await host.Client.GetAsync("/own", Cancel)).StatusCode);
    }

    [Fact]
    public async Task UseMetricServer_ByPath_ServesThereAlone()
    {
        Metrics.WithCustomRegistry(registry).CreateGauge("g", "").Set(7);
        await using var host = await MetricsHost.StartAsync(application => application.UseMetricServer("/by-path", registry));

        Assert.Equal(7, (await host.Client.GetStringAsync("/by-path", Cancel)).ValueOf("g"));
        Assert.Equal(HttpStatusCode.NotFound, (await host.Client.GetAsync("/metrics", Cancel)).StatusCode);
    }

    [Theory]
    [InlineData(9090, HttpStatusCode.OK)]
    [InlineData(8080, HttpStatusCode.NotFound)]
    public async Task UseMetricServer_ByPort_ServesThatPortAlone(int port, HttpStatusCode status)
    {
        await using var services = new ServiceCollection().BuildServiceProvider();
        var application = new ApplicationBuilder(services);
        application.UseMetricServer(9090, registry: registry);
        var context = new DefaultHttpContext { RequestServices = services };
        context.Request.Path = "/metrics";
        context.Connection.LocalPort = port;

        await application.Build()(context);

        Assert.Equal(status, (HttpStatusCode)context.Response.StatusCode);
    }

    [Fact]
    public async Task Scrape_CallbackFails_Answers503WithItsMessage()
    {
        var fails = true;
        registry.AddBeforeCollectCallback(() =>
        {
            if (fails) throw new ScrapeFailedException("the device does not answer");
        });
        await using var host = await MetricsHost.StartAsync(application => application.MapMetrics(registry: registry));

        using var failed = await host.Client.GetAsync("/metrics", Cancel);
        Assert.Equal(HttpStatusCode.ServiceUnavailable, failed.StatusCode);
        Assert.Equal("the device does not answer", await failed.Content.ReadAsStringAsync(Cancel));

        fails = false;
        using var mended = await host.Client.GetAsync("/metrics", Cancel);
        Assert.Equal(HttpStatusCode.OK, mended.StatusCode);
    }

    [Fact]
    public async Task Scrape_ClientGoesAway_CancelsTheCallback()
    {
        var started = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var cancelled = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        registry.AddBeforeCollectCallback(async cancel =>
        {
            using var registration = cancel.Register(cancelled.SetResult);
            started.TrySetResult();
            await Task.Delay(Timeout.Infinite, cancel);
        });
        await using var host = await MetricsHost.StartAsync(application => application.MapMetrics(registry: registry));

        using var leaving = new CancellationTokenSource();
        var scrape = host.Client.GetAsync("/metrics", leaving.Token);
        await started.Task.WaitAsync(TimeSpan.FromSeconds(30), Cancel);
        await leaving.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => scrape);
        await cancelled.Task.WaitAsync(TimeSpan.FromSeconds(30), Cancel);
    }

    [Fact]
    public async Task KestrelMetricServer_StartedAndStopped_ServesInBetween()
    {
        Metrics.WithCustomRegistry(registry).CreateGauge("g", "").Set(7);
        var port = FreePort();
        using var client = new HttpClient { Timeout = TimeSpan.FromSeconds(30) };
        using var server = new KestrelMetricServer("127.0.0.1", port, "/m", registry);

        for (var round = 0; round < 2; round++)
        {
            Assert.Same(server, server.Start());
            Assert.Throws<InvalidOperationException>(server.Start);
            Assert.Equal(7, (await client.GetStringAsync($"http://127.0.0.1:{port}/m", Cancel)).ValueOf("g"));
            await server.StopAsync().WaitAsync(TimeSpan.FromSeconds(30), Cancel);
            await Assert.ThrowsAsync<HttpRequestException>(() => client.GetStringAsync($"http://127.0.0.1:{port}/m", Cancel));
        }
    }

    [Fact]
    public async Task KestrelMetricServer_WithCertificate_ServesHttps()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=localhost", key, HashAlgorithmName.SHA256);
        using var certificate = request.CreateSelfSigned(DateTimeOffset.UtcNow.AddHours(-1), DateTimeOffset.UtcNow.AddHours(1));
        Metrics.WithCustomRegistry(registry).CreateGauge("g", "").Set(7);
        var port = FreePort();
        using var server = new KestrelMetricServer("localhost", port, registry: registry, certificate: certificate);
        server.Start();

        using var handler = new HttpClientHandler
        {
            ServerCertificateCustomValidationCallback = (_, shown, _, _) => shown?.Thumbprint == certificate.Thumbprint,
        };
        using var client = new HttpClient(handler) { Timeout = TimeSpan.FromSeconds(30) };
        Assert.Equal(7, (await client.GetStringAsync($"https://localhost:{port}/metrics", Cancel)).ValueOf("g"));
    }

    [Fact]
    public void KestrelMetricServer_PortTaken_FailsTheStart()
    {
        using var taken = new TcpListener(IPAddress.Loopback, 0);
        taken.Start();
        var port = (ushort)((IPEndPoint)taken.LocalEndpoint).Port;
        using var server = new KestrelMetricServer(new KestrelMetricServerOptions { Hostname = "127.0.0.1", Port = port, Registry = registry });

        Assert.Throws<IOException>(server.Start);
    }

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}
