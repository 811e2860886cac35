using System.Diagnostics;
using Phase = VaeCluster.Protocol.V1.RunStatus.Types.Phase;

namespace VaeCluster.Cluster.Tests;

/// <summary>Shared memory between workers of one host, gRPC between others, or gRPC alone: the same weights, whoever dies.</summary>
public sealed class TransportTests
{
    private const string ByGrpc = "\ncluster: {transport: grpc}\n";

    private static string Config => Configs.Tiny(150);

    /// <summary>Everywhere else workers share memory, which is the default.</summary>
    [Fact]
    public async Task Grpc_AWorkerIsKilled_HasTheWeightsOfOneProcess()
    {
        await using var cluster = await StartAsync(Config + ByGrpc, cluster => cluster.StartWorkers(3));
        Assert.Equal((true, false), await UsesAsync(cluster, "w1"));
        Assert.Empty(Mapped(cluster.Workers["w1"].Process.Id));
        await KillAsync(cluster, "w2", left: 2);

        await AssertDoneAsync(cluster);
    }

    [Fact]
    public async Task Auto_AWorkerIsStoppedAndKilled_ItsMemoryIsGivenBack()
    {
        await using var cluster = await StartAsync(Config, cluster => cluster.StartWorkers(3));
        Assert.Equal((false, true), await UsesAsync(cluster, "w1"));
        Assert.Equal(3, Mapped(cluster.Workers["w1"].Process.Id).Count);

        cluster.Workers["w2"].Stop();
        await cluster.WaitAsync("w2 is out of the plan", status => status is { Plan.Members.Count: 2, Phase: Phase.Running });
        cluster.Workers["w2"].Kill();

        // What is left of w2's memory is what the others have mapped.
        var start = Stopwatch.GetTimestamp();
        foreach (var id in (string[])["w1", "w3"])
        {
            while (cluster.Workers[id].IsAlive && Mapped(cluster.Workers[id].Process.Id).Count > 2)
            {
                Assert.True(Stopwatch.GetElapsedTime(start) < TimeSpan.FromSeconds(30), $"{id} has w2's memory mapped.\n{cluster.Said}");
                await Task.Delay(20, TestContext.Current.CancellationToken);
            }
        }
        await AssertDoneAsync(cluster);
    }

    [Fact]
    public async Task Auto_OneWorkerSeesNoProcessOfTheOthers_EachPairHasTheLinkThatFits()
    {
        using var unshare = Process.Start(new ProcessStartInfo("unshare", ["--pid", "--fork", "--mount-proc", "true"]) { RedirectStandardError = true })!;
        await unshare.WaitForExitAsync(TestContext.Current.CancellationToken);
        Assert.SkipUnless(unshare.ExitCode == 0, "This machine gives no name spaces for processes.");

        await using var cluster = await StartAsync(Config, cluster =>
        {
            cluster.StartWorkers(3);
            cluster.StartWorkerApart("apart");
        });
        Assert.Equal((true, true), await UsesAsync(cluster, "w1"));
        Assert.Equal((true, false), await UsesAsync(cluster, "apart"));
        await KillAsync(cluster, "w2", left: 3);

        await AssertDoneAsync(cluster);
        Assert.Contains("its memory is not to be seen from here", cluster.Said, StringComparison.Ordinal);
    }

    private static async Task<TestCluster> StartAsync(string config, Action<TestCluster> start)
    {
        _ = TestCluster.WeightsOfOneProcess(Config);
        var cluster = new TestCluster(config, "plans.min_members=3", "plans.gather_time=200ms");
        try
        {
            start(cluster);
            var workers = cluster.Workers.Count;
            await cluster.WaitAsync("all have slots", status => status.CompletedSteps >= 10 && status.Plan?.Members.Count(member => member.Slots > 0) == workers);
            return cluster;
        }
        catch
        {
            await cluster.DisposeAsync();
            throw;
        }
    }

    private static async Task KillAsync(TestCluster cluster, string id, int left)
    {
        cluster.Workers[id].Kill();
        await cluster.WaitAsync($"{id} is out of the plan", status => status.Plan?.Members.Count == left && status.Phase == Phase.Running);
    }

    private static async Task AssertDoneAsync(TestCluster cluster)
    {
        await cluster.CompleteAsync();
        cluster.AssertJournal();
        Assert.True(cluster.Weights() == TestCluster.WeightsOfOneProcess(Config), $"The weights are others.\n{cluster.Said}");
    }

    /// <summary>Whether gradients have left a worker by gRPC, and whether they were read in its memory.</summary>
    private static async Task<(bool Grpc, bool Shared)> UsesAsync(TestCluster cluster, string id)
    {
        return (await SentAsync("grpc") > 0, await SentAsync("shared") > 0);

        Task<double> SentAsync(string transport) => cluster.MetricAsync(id, $"vaecluster_worker_exchange_bytes_total{{direction=\"sent\",transport=\"{transport}\"}}");
    }

    /// <summary>The shared memories that a process has mapped, its own among them.</summary>
    private static IReadOnlyCollection<string> Mapped(int process) =>
    [
        .. File.ReadLines($"/proc/{process}/maps").Where(line => line.Contains("/memfd:vaecluster ", StringComparison.Ordinal))
            .Select(line => line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[4]).Distinct(),
    ];
}
