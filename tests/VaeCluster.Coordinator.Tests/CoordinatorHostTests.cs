using Microsoft.Extensions.Logging;
using VaeCluster.Coordinator.Runs;
using VaeCluster.Protocol.Health;

namespace VaeCluster.Coordinator.Tests;

public sealed class CoordinatorHostTests
{
    [Fact]
    public async Task DisposeAsync_AtOnceAndAgain_EndsOnce()
    {
        using var folder = new TemporaryFolder();
        var host = await StartAsync(folder);

        await Task.WhenAll(host.DisposeAsync().AsTask(), host.DisposeAsync().AsTask());
        await host.DisposeAsync();

        Assert.Equal(CoordinatorEnd.Stopped, (await host.Completion).End);
        // All is given back: the next term begins in the same folder.
        await using var next = await StartAsync(folder);
        Assert.Equal(host.Term + 1, next.Term);
    }

    [Fact]
    public async Task StartAsync_Listening_IsReady()
    {
        using var folder = new TemporaryFolder();
        var health = new ServiceHealth();
        health.Set(ServiceHealth.Ready, serving: false);

        await using var host = await StartAsync(folder, health);

        Assert.True(health.IsReady);
    }

    private static Task<CoordinatorHost> StartAsync(TemporaryFolder folder, ServiceHealth? health = null) => CoordinatorHost.StartAsync(
        new CoordinatorOptions { Listen = "http://127.0.0.1:0" }, new RunDescription(folder.Path, "{}", 8), logs => logs.ClearProviders(),
        Prometheus.Metrics.WithCustomRegistry(Prometheus.Metrics.NewCustomRegistry()), health: health, cancellationToken: TestContext.Current.CancellationToken);
}
