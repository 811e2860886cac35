using System.Diagnostics;
using VaeCluster.Cluster.Tests;
using VaeCluster.Protocol.Transport;

namespace Benchmarks;

/// <summary>
/// The real coordinator's process with 1,000 clients that speak its protocol and train nothing, each on a connection of its own,
/// from this process. They join, send heartbeats at the interval that they are told, follow plans and halts as workers do (8
/// contribute, the others are spares), and 100 a second are cut off and replaced by new ones, whichever they are.
/// <list type="bullet">
/// <item>heartbeat: from the moment that it is due until the client has read the coordinator's HeartbeatHeard for it. So it holds
/// the client's own delays too, on a machine that both share.</item>
/// <item>plan after a halt: from the last answer to the halt that was sent before a client heard the plan until it did.</item>
/// <item>halt: from the cut of a contributor, which the other contributors report, until a client heard the halt.</item>
/// </list>
/// </summary>
internal static class ControlBenchmark
{
    private const int Clients = 1000;
    private static readonly TimeSpan Quiet = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan Churn = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(90);

    public static async Task RunAsync()
    {
        SocketCompletions.RunInline();
        await using var cluster = new TestCluster(BenchmarkConfigs.Preset("tiny", 16, 16, slots: 8), "most_workers=20000", $"plans.min_members={Clients / 2}");
        var status = await cluster.WaitAsync("the coordinator answers", _ => true);
        await using var fleet = new LightFleet(TransportAddress.Parse(cluster.Address), status.TotalSteps);

        // 1. All come, ten at a time.
        var start = Stopwatch.GetTimestamp();
        for (var i = 0; i < Clients; i += 10)
        {
            for (var j = 0; j < 10; j++) fleet.Add();
            await Task.Delay(40);
        }
        while (fleet.Members < Clients)
        {
            if (Stopwatch.GetElapsedTime(start) > Deadline) throw new TimeoutException($"{fleet.Members} of {Clients} are members: {(await cluster.StatusAsync())?.Reason}\n{cluster.Said}");
            await Task.Delay(20);
        }
        Console.WriteLine($"{Clients} clients are members of a plan after {Stopwatch.GetElapsedTime(start).TotalSeconds:F1} s");

        // 2. Quiet, then a tenth of them each second.
        fleet.Forget();
        await Task.Delay(Quiet);
        fleet.Print("quiet");
        await StatusAsync(cluster);
        fleet.Forget();
        var cpu = cluster.CoordinatorCpu;
        start = Stopwatch.GetTimestamp();
        var random = new Random(1);
        for (var replaced = 0; Stopwatch.GetElapsedTime(start) < Churn; replaced++)
        {
            fleet.Cut(random);
            fleet.Add();
            var due = TimeSpan.FromMilliseconds(10 * (replaced + 1)) - Stopwatch.GetElapsedTime(start);
            if (due > TimeSpan.Zero) await Task.Delay(due);
        }
        fleet.Print("10 % churn a second");
        Console.WriteLine($"  CPU of the coordinator {(cluster.CoordinatorCpu - cpu) / Stopwatch.GetElapsedTime(start):P0} of a processor");
        await StatusAsync(cluster);
    }

    private static async Task StatusAsync(TestCluster cluster)
    {
        var start = Stopwatch.GetTimestamp();
        var status = await cluster.StatusAsync();
        var milliseconds = Stopwatch.GetElapsedTime(start).TotalMilliseconds;
        Console.WriteLine(status is null ? $"  no status, {milliseconds:F0} ms"
            : $"  status of {status.Workers.Count} workers: {status.CalculateSize() / 1024} KiB, {milliseconds:F0} ms. {status.Reason}");
    }
}
