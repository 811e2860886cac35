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
    public async Task StartAsync_AfterAKillOrARestoredCopy_HasTheWholeJournalInTheRunsFolder()
    {
        using var folder = new TemporaryFolder();
        using var local = new TemporaryFolder();
        var (storage, journals) = (folder.In("journal"), local.Path);
        string run;
        await using (var host = await StartAsync(folder, journals: journals)) run = host.Run;

        // 1. What the one before had not copied is copied.
        Assert.Single(JournalReader.Read(storage));
        foreach (var piece in Directory.GetFiles(storage)) File.Delete(piece);
        await (await StartAsync(folder, journals: journals)).DisposeAsync();
        Assert.Equal([1ul, 2ul], JournalReader.Read(storage).OfType<TermEntry>().Select(entry => entry.Term));
        await (await StartAsync(folder, journals: journals)).DisposeAsync();
        Assert.Equal([1ul, 2ul, 3ul], JournalReader.Read(storage).OfType<TermEntry>().Select(entry => entry.Term));

        // 2. A copy of the folder from before the third term: the journal knows better.
        File.Delete(folder.In("coordinator/term-000003.json"));
        await using var restored = await StartAsync(folder, journals: journals);
        Assert.Equal((run, 4ul), (restored.Run, restored.Term));
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

    private static Task<CoordinatorHost> StartAsync(TemporaryFolder folder, ServiceHealth? health = null, string? journals = null) => CoordinatorHost.StartAsync(
        new CoordinatorOptions { Listen = "http://127.0.0.1:0", JournalFolder = journals }, new RunDescription(folder.Path, "{}", 8), logs => logs.ClearProviders(),
        Prometheus.Metrics.WithCustomRegistry(Prometheus.Metrics.NewCustomRegistry()), health: health, cancellationToken: TestContext.Current.CancellationToken);
}
