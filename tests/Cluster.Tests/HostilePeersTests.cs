using System.Globalization;
using Google.Protobuf;
using Grpc.Core;
using VaeCluster.Protocol.V1;

namespace VaeCluster.Cluster.Tests;

/// <summary>
/// Strangers at the ports of a cluster that trains: each gets a status or a closed connection, is counted, and changes
/// neither plan nor weights. Some of them stay to the end, which waits for none.
/// </summary>
public sealed class HostilePeersTests
{
    private const int Joins = 2000;

    [Fact]
    public async Task Strangers_WhileItTrains_AreRefusedCountedAndWithoutEffect()
    {
        var config = Configs.Tiny(400);
        var expected = TestCluster.WeightsOfOneProcess(config);
        await using var cluster = TestCluster.OverTcp(config, "plans.min_members=2", "plans.rebalance_after=1h", "most_hellos_per_second=50");
        var metrics = new Dictionary<string, int> { ["w1"] = LinkProxy.FreePort(), ["w2"] = LinkProxy.FreePort() };
        foreach (var (id, port) in metrics) cluster.StartWorker(id, "--metrics", $"http://127.0.0.1:{port}");
        var before = await cluster.WaitForStepAsync(5);
        var plan = before.Plan;
        var generation = $"{plan.Generation.Term}.{plan.Generation.Number}";
        using var coordinator = new HostilePeer(cluster.Address);
        using var first = new HostilePeer(plan.Members[0].Endpoint);
        using var second = new HostilePeer(plan.Members[1].Endpoint);

        // Bytes that are nothing, and messages that claim to be large.
        await Task.WhenAll(coordinator.SendGarbageAsync(1, 40), first.SendGarbageAsync(2, 40), second.SendGarbageAsync(3, 40));
        Assert.Equal(StatusCode.ResourceExhausted, await coordinator.SendMessageAsync("/vaecluster.v1.Membership/GetStatus", [], length: 1 << 30));
        Assert.Equal(StatusCode.ResourceExhausted, await first.SendMessageAsync("/vaecluster.v1.StateTransfer/Fetch", [], length: 1 << 30));
        Assert.Equal(StatusCode.Unknown, await coordinator.SendMessageAsync("/vaecluster.v1.Membership/GetStatus", [0x0a, 0x7f], length: 2));

        // Streams of segments: of another run, of an old plan, under a wrong name, in another's place, and of a plan to come.
        Assert.Equal(StatusCode.FailedPrecondition, await first.OpenStreamAsync("another", generation, "w2", "1"));
        Assert.Equal(StatusCode.FailedPrecondition, await first.OpenStreamAsync(before.Run, "0.9", "w2", "1"));
        Assert.Equal(StatusCode.FailedPrecondition, await first.OpenStreamAsync(before.Run, generation, "stranger", "1"));
        Assert.Equal(StatusCode.AlreadyExists, await first.OpenStreamAsync(before.Run, generation, plan.Members[1].WorkerId, "1"));
        Assert.Equal(StatusCode.InvalidArgument, await second.OpenStreamAsync(before.Run, "18446744073709551616.1", "w1", "0"));
        for (var i = 0; i < 20; i++) second.KeepStream(before.Run, $"9.{i + 1}", "w1", "0");

        // Workers that are none: of another run, with other bits, under a taken name, out of a future, lying.
        Assert.Equal(StatusCode.InvalidArgument, (await coordinator.JoinAsync(false, Hello("x/y", before.Run))).Status);
        await AssertRefusedAsync(coordinator, Hello("other-run", "another"), "This is run");
        await AssertRefusedAsync(coordinator, Hello("w1", before.Run), "is here and lives");
        await AssertRefusedAsync(coordinator, Hello("future", before.Run, message => message.KnownGeneration = new() { Term = 99, Number = 1 }), "look for the newer one");
        await AssertRefusedAsync(coordinator, Hello("other-bits", before.Run, message => message.Hello.Ready = new() { Fingerprint = { ["threads"] = "77" } }), "computes other bits");
        await coordinator.JoinAsync(false, Hello("liar", before.Run), [.. Lies(before)]);

        // Readers that do not read: of the coordinator, and of a member's state.
        var unread = await coordinator.CallWithoutReadingAsync("/vaecluster.v1.Membership/Join",
            [Hello("deaf", before.Run), .. Enumerable.Range(1, 600).Select(i => new WorkerMessage { Run = before.Run, Heartbeat = new() { Sequence = (ulong)i } })]);
        await unread.ReadToEndAsync();
        foreach (var member in new[] { first, second })
            await member.CallWithoutReadingAsync("/vaecluster.v1.StateTransfer/Fetch", [new FetchRequest { Run = before.Run, Generation = plan.Generation }]);

        // And too many of them.
        using var crowd = new HostilePeer(cluster.Address);
        await AssertFloodIsHeldBackAsync(crowd);

        // It trained on meanwhile, under the one plan that it began with.
        var after = await cluster.WaitAsync("it trains on", status => status.CompletedSteps > before.CompletedSteps);
        Assert.Equal((RunStatus.Types.Phase.Running, plan.Generation), (after.Phase, after.Plan.Generation));
        var counted = await CountsAsync(cluster.MetricsPort, "vaecluster_refused_total", "what");
        foreach (var what in new[] { "rate", "form", "run", "duplicate", "stale", "step", "fingerprint", "slow_reader" })
            Assert.True(counted[what] > 0, $"{what} was not counted.\n{cluster.Said}");
        var streams = await CountsAsync(metrics[plan.Members[0].WorkerId], "vaecluster_worker_streams_refused_total", "reason");
        Assert.Equal((1, 1, 1, 1), (streams["wrong_run"], streams["stale_generation"], streams["wrong_member"], streams["doubled"]));
        streams = await CountsAsync(metrics[plan.Members[1].WorkerId], "vaecluster_worker_streams_refused_total", "reason");
        Assert.Equal(1, streams["nameless"]);

        await cluster.CompleteAsync();
        cluster.AssertJournal();
        Assert.Single(cluster.Journal().OfType<Coordinator.Runs.PlanEntry>());
        Assert.True(cluster.Weights() == expected, $"The weights are others.\n{cluster.Said}");
    }

    /// <summary>Thousands of hellos; some are taken, and stay without ever getting ready.</summary>
    private static async Task AssertFloodIsHeldBackAsync(HostilePeer crowd)
    {
        var refused = 0;
        await Parallel.ForAsync(0, Joins, new ParallelOptions { MaxDegreeOfParallelism = 64 }, async (i, _) =>
        {
            var (answer, status) = await crowd.JoinAsync(keep: i % 10 == 0, Hello($"flood-{i}", ""));
            // Whose hello is not out yet when it is refused, or whose connection has seen too many refusals, hears less of the reason.
            if (status != StatusCode.OK) Interlocked.Increment(ref refused);
            else Assert.NotNull(answer);
        });
        Assert.True(refused > Joins / 2, $"Only {refused} of {Joins} were held back.");
        // The rate's window passes: who comes now is heard again.
        for (var tries = 0; (await crowd.JoinAsync(false, Hello("after-the-flood", ""))).Answer is null; tries++)
        {
            Assert.True(tries < 100, "Nobody is let in any more.");
            await Task.Delay(100, TestContext.Current.CancellationToken);
        }
    }

    private static async Task AssertRefusedAsync(HostilePeer coordinator, WorkerMessage hello, string reason)
    {
        var (answer, status) = await coordinator.JoinAsync(false, hello);
        Assert.True(answer?.Refused?.Reason.Contains(reason, StringComparison.Ordinal) == true, $"{reason}: {status}, {answer}");
    }

    private static IEnumerable<WorkerMessage> Lies(RunStatus status)
    {
        var (run, plan) = (status.Run, status.Plan);
        yield return new() { Run = run, PeerLost = new() { WorkerId = "w1", Generation = plan.Generation, Reason = "a lie" } };
        yield return new() { Run = run, PeerLost = new() { WorkerId = "w2", Generation = plan.Generation, Reason = "a lie" } };
        yield return new() { Run = run, SlotFailed = new() { Slot = 0, Step = 1, Error = "a lie", EndsRun = true } };
        yield return new() { Run = run, Halted = new() { Generation = plan.Generation, CompletedSteps = 1_000 } };
        yield return new() { Run = run, StateHash = new() { CompletedSteps = 100, Sha256 = ByteString.CopyFrom(new byte[32]) } };
        yield return new() { Run = run, CheckpointWritten = new() { CompletedSteps = 200, Path = "../elsewhere" } };
        yield return new() { Run = run, StepRecords = new() { Records = { new StepRecord { Step = status.TotalSteps - 1, Generation = plan.Generation } }, Oldest = true } };
        yield return new() { Run = run, Heartbeat = new() { Sequence = 1, CompletedSteps = 1UL << 50 } };
        yield return new() { Run = "another", Goodbye = new() { Kind = Goodbye.Types.Kind.LeaveDone } };
    }

    private static WorkerMessage Hello(string id, string run, Action<WorkerMessage>? change = null)
    {
        var message = new WorkerMessage { Run = run, Hello = new() { WorkerId = id, Instance = Guid.NewGuid().ToString("N"), Endpoint = "http://127.0.0.1:1" } };
        change?.Invoke(message);
        return message;
    }

    /// <summary>The values of a counter, by its one label, as Prometheus sees them.</summary>
    private static async Task<Dictionary<string, int>> CountsAsync(int port, string metric, string label)
    {
        using var http = new HttpClient();
        var text = await http.GetStringAsync(new Uri($"http://127.0.0.1:{port}/metrics"), TestContext.Current.CancellationToken);
        var prefix = $"{metric}{{{label}=\"";
        return text.Split('\n').Where(line => line.StartsWith(prefix, StringComparison.Ordinal)).ToDictionary(
            line => line[prefix.Length..line.IndexOf('"', prefix.Length)],
            line => (int)double.Parse(line[(line.LastIndexOf(' ') + 1)..], CultureInfo.InvariantCulture));
    }
}
