using VaeCluster.Coordinator;
using VaeCluster.Coordinator.Runs;
using VaeCluster.Protocol.Access;
using VaeCluster.Protocol.Transport;
using VaeCluster.Protocol.V1;
using VaeCluster.Worker.Control;
using Heard = VaeCluster.Protocol.V1.CoordinatorMessage.ContentOneofCase;

namespace VaeCluster.Worker.Tests.Control;

/// <summary>The connection against the real coordinator: it is planned in, its records reach the journal, and a new term takes over.</summary>
public sealed class RealCoordinatorTests : IDisposable
{
    private readonly DirectoryInfo folder = Directory.CreateTempSubdirectory("vaecluster-control-");

    private CoordinatorOptions Options => new()
    {
        Listen = $"unix:{Path.Combine(folder.FullName, "socket")}",
        Lease = new() { HeartbeatInterval = TimeSpan.FromMilliseconds(50), Least = TimeSpan.FromSeconds(5), Most = TimeSpan.FromSeconds(60), ForgetAfter = TimeSpan.FromMinutes(2) },
    };

    public void Dispose() => folder.Delete(recursive: true);

    [Fact]
    public async Task Run_WorkerJoins_IsPlannedInAndItsRecordsReachTheJournal()
    {
        await using (var coordinator = await RealCoordinator.StartAsync(folder.FullName, Options))
        {
            await using var worker = Worker(TransportAddress.Parse(coordinator.Address));
            var plan = await JoinAsync(worker);
            for (var step = 0ul; step < 999; step++) Complete(worker, step, plan);
            worker.Connection.SendRecords = true;

            await Deadline.Until(() => worker.Connection.Records.Count == 0, "the acknowledgement of all records");
            Assert.Equal((1ul, coordinator.Run), (worker.Connection.Term, worker.Connection.Run));
        }
        Assert.Equal(999ul, JournalReader.NextStep(Path.Combine(folder.FullName, "journal")));
    }

    [Fact]
    public async Task Run_CoordinatorIsReplaced_TheNewTermHearsWhatTheOldOneDidNotAndThePlanGoesOn()
    {
        await using var worker = Worker(TransportAddress.Parse(Options.Listen));
        Plan plan;
        await using (await RealCoordinator.StartAsync(folder.FullName, Options))
        {
            plan = await JoinAsync(worker);
            worker.Connection.SendRecords = true;
            for (var step = 0ul; step < 10; step++) Complete(worker, step, plan);
            await Deadline.Until(() => worker.Connection.Records.Count == 0, "the first acknowledgement");
        }
        // Training goes on without one.
        for (var step = 10ul; step < 20; step++) Complete(worker, step, plan);
        await Deadline.Until(() => !worker.Connection.IsConnected, "the old coordinator's end");
        Assert.Equal(10, worker.Connection.Records.Count);

        await using (var next = await RealCoordinator.StartAsync(folder.FullName, Options))
        {
            // It takes records once it has taken up the plan; those that came before are sent again.
            await Deadline.Until(() => worker.Connection.Records.Count == 0, "the second acknowledgement");

            Assert.Equal((2ul, next.Run, 2L), (worker.Connection.Term, worker.Connection.Run, worker.Connection.Connections));
            Assert.Empty(worker.Host.Of(Heard.Halt));
        }
        Assert.Equal(20ul, JournalReader.NextStep(Path.Combine(folder.FullName, "journal")));
    }

    [Fact]
    public async Task Run_AsManyMessagesAsMayWait_AreTakenInOneGo()
    {
        var options = Options;
        options.MostMessagesPerSecond = new CoordinatorOptions().MostMessagesPerSecond;
        await using var worker = new RunningConnection(TransportAddress.Parse(options.Listen)).Start();
        for (var step = 1ul; step <= 5000; step++)
            worker.Connection.Send(new WorkerMessage { StateHash = new() { CompletedSteps = step, Sha256 = Google.Protobuf.ByteString.CopyFrom(new byte[32]) } });
        Assert.Equal(new ConnectionOptions().MostPending, worker.Connection.Unconfirmed);

        await using var coordinator = await RealCoordinator.StartAsync(folder.FullName, options);

        await Deadline.Until(() => worker.Connection.Unconfirmed == 0, "all to be heard");
        Assert.Equal(1, worker.Connection.Connections);
    }

    [Fact]
    public async Task Run_WrongToken_EndsWithWhatToDo()
    {
        var options = Options;
        options.TokenFile = Path.Combine(folder.FullName, "token");
        await File.WriteAllTextAsync(options.TokenFile, "0123456789abcdef", TestContext.Current.CancellationToken);
        await using var coordinator = await RealCoordinator.StartAsync(folder.FullName, options);

        await using var without = new RunningConnection(TransportAddress.Parse(coordinator.Address)).Start();
        await using var wrong = new RunningConnection(TransportAddress.Parse(coordinator.Address), attach: SharedToken.Parse("fedcba9876543210").Attach).Start();
        await using var right = new RunningConnection(TransportAddress.Parse(coordinator.Address), attach: SharedToken.Load(options.TokenFile)!.Attach).Start();

        foreach (var stranger in (RunningConnection[])[without, wrong])
        {
            var outcome = await Deadline.For(stranger.Outcome, "the stranger's end");
            Assert.Equal(ConnectionEnd.NotAllowed, outcome.End);
            Assert.Contains("token", outcome.Reason, StringComparison.Ordinal);
        }
        await Deadline.Until(() => right.Connection.IsConnected, "the friend's connection");
    }

    [Fact]
    public async Task Run_OtherFingerprint_IsRefusedForGood()
    {
        await using var coordinator = await RealCoordinator.StartAsync(folder.FullName, Options);
        await using var first = Worker(TransportAddress.Parse(coordinator.Address));
        await JoinAsync(first);
        await using var other = new RunningConnection(TransportAddress.Parse(coordinator.Address), id: "w1").Start();
        other.Connection.Send(new WorkerMessage { Ready = Ready(null, device: "another") });

        var outcome = await Deadline.For(other.Outcome, "the refusal");

        Assert.Equal(ConnectionEnd.Refused, outcome.End);
        Assert.Contains("device is another, not cpu", outcome.Reason, StringComparison.Ordinal);
    }

    private static RunningConnection Worker(TransportAddress address)
    {
        var worker = new RunningConnection(address);
        worker.Host.Then = message =>
        {
            // What a worker that has loaded everything in no time answers.
            if (message.ContentCase == Heard.Welcome && worker.Host.Ready is null) worker.Connection.Send(new WorkerMessage { Ready = worker.Host.Ready = Ready(null) });
            else if (message.ContentCase == Heard.Restore) worker.Connection.Send(new WorkerMessage { Ready = Ready(worker.Host.CompletedSteps = 0) });
            else if (message.ContentCase == Heard.Plan && message.Plan.HasFirstStep) worker.Host.Plan ??= message.Plan;
        };
        return worker.Start();
    }

    private static async Task<Plan> JoinAsync(RunningConnection worker)
    {
        await Deadline.Until(() => worker.Host.Plan is not null, "the plan");
        var plan = worker.Host.Plan!;
        worker.Connection.KnownGeneration = new(plan.Generation.Term, plan.Generation.Number);
        worker.Connection.HeartbeatNow();
        Assert.Equal(("w0", (uint)RealCoordinator.Slots), (Assert.Single(plan.Members).WorkerId, plan.Members[0].Slots));
        return plan;
    }

    private static Ready Ready(ulong? steps, string device = "cpu")
    {
        var ready = new Ready { ManifestId = "manifest-1", TotalSteps = 1000 };
        ready.Fingerprint.Add("device", device);
        if (steps is { } completed) ready.CompletedSteps = completed;
        return ready;
    }

    private static void Complete(RunningConnection worker, ulong step, Plan plan)
    {
        worker.Host.CompletedSteps = step + 1;
        worker.Connection.Records.Add(new StepRecord
        {
            Step = step,
            Generation = plan.Generation,
            FirstPosition = step * 8,
            Samples = 8,
            Losses = new() { Loss = 1 },
        });
    }
}
