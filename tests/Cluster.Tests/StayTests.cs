using System.Net;
using VaeCluster.Protocol.V1;

namespace VaeCluster.Cluster.Tests;

/// <summary>Processes whose end something would answer with a new start: they stay when the run is finished, and show it.</summary>
public sealed class StayTests
{
    private static readonly TimeSpan AWhile = TimeSpan.FromSeconds(2);
    private static readonly HttpClient Client = new() { Timeout = TimeSpan.FromSeconds(30) };

    [Fact]
    public async Task FinishedRun_WithStay_IsToldUntilItsProcessesAreAskedToEnd()
    {
        var config = Configs.Tiny(20);
        await using var cluster = new TestCluster(config, "stay=true");
        var metrics = $"http://127.0.0.1:{LinkProxy.FreePort()}";
        var worker = cluster.StartWorker("w1", "--option", "stay=true", "--metrics", metrics);

        await cluster.WaitAsync("the run is finished and its worker has left",
            status => status.Phase == RunStatus.Types.Phase.Completed && status.Workers.All(known => known.Stage != WorkerStatus.Types.Stage.Contributor));
        Assert.Equal(TestCluster.WeightsOfOneProcess(config), await SummaryAsync(cluster));
        Assert.Equal(HttpStatusCode.OK, await StatusOfAsync(metrics + "/readyz"));
        Assert.Contains("vaecluster_worker_completed_steps 20", await Client.GetStringAsync(metrics + "/metrics", TestContext.Current.CancellationToken), StringComparison.Ordinal);

        // One that is started anew finds the run finished, and stays too.
        var late = cluster.StartWorker("w2", "--option", "stay=true");
        await cluster.WaitAsync("the late worker has come and gone", _ => cluster.Said.Contains("w2 has left", StringComparison.Ordinal));
        // A worker that does not stay is gone at once.
        Assert.All(await Task.WhenAll(worker.EndedAsync(AWhile), late.EndedAsync(AWhile)), Assert.False);

        worker.AskToEnd();
        late.AskToEnd();
        cluster.AskCoordinatorToEnd();
        await cluster.CompleteAsync();
        foreach (var each in new[] { worker, late })
        {
            Assert.True(await each.EndedAsync(TimeSpan.FromSeconds(30)), cluster.Said);
            Assert.Equal(0, each.ExitCode);
        }
    }

    /// <summary>The coordinator writes it behind the last step.</summary>
    private static async Task<string> SummaryAsync(TestCluster cluster)
    {
        await cluster.WaitAsync("the summary is written", _ => File.Exists(Path.Combine(cluster.Folder, "summary.json")));
        return cluster.Weights();
    }

    private static async Task<HttpStatusCode> StatusOfAsync(string url)
    {
        using var response = await Client.GetAsync(url, TestContext.Current.CancellationToken);
        return response.StatusCode;
    }
}
