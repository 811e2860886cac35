using VaeCluster.Protocol.V1;
using VaeCluster.Worker.Control;
using Content = VaeCluster.Protocol.V1.WorkerMessage.ContentOneofCase;
using Generation = VaeCluster.Collectives.Generation;

namespace VaeCluster.Worker.Tests.Control;

/// <summary>What a connection does when its coordinator goes, lies still, says no, or speaks for an older term.</summary>
public sealed class ReconnectionTests
{
    /// <summary>Set only while the coordinator is to be found silent.</summary>
    private static readonly TimeSpan Impatience = TimeSpan.FromMilliseconds(200);

    [Fact]
    public async Task Run_StreamEnds_SaysAgainWhatWasNotConfirmedInOrder()
    {
        await using var coordinator = await FakeCoordinator.StartAsync();
        await using var worker = new RunningConnection(coordinator.Address).Start();
        var first = await coordinator.CallAsync();
        await first.WelcomeAsync();
        worker.Connection.KnownGeneration = new Generation(1, 3);
        foreach (var step in (ulong[])[1, 2]) worker.Connection.Send(Hash(step));
        Assert.Equal([1, 2], await HashesAsync(first, 2));
        // The heartbeat after them is answered: these two are heard for certain.
        await first.HearAsync(await FirstAfterAsync(first));
        await Deadline.Until(() => worker.Connection.Unconfirmed == 0, "the confirmation");
        foreach (var step in (ulong[])[3, 4, 5]) worker.Connection.Send(Hash(step));
        Assert.Equal([3, 4, 5], await HashesAsync(first, 3));

        first.End();
        var second = await coordinator.CallAsync();
        worker.Connection.Send(Hash(6));
        await second.WelcomeAsync(term: 2);

        Assert.Equal([3, 4, 5, 6], await HashesAsync(second, 4));
        var heartbeat = await second.ReadAsync(Content.Heartbeat);
        Assert.Equal((1ul, 3ul), (heartbeat.KnownGeneration.Term, heartbeat.KnownGeneration.Number));
        await second.HearAsync(heartbeat, term: 2);
        await Deadline.Until(() => worker.Connection.Unconfirmed == 0, "the confirmation");
        Assert.Equal((2L, 2ul, "run-1"), (worker.Connection.Connections, worker.Connection.Term, worker.Connection.Run));
        Assert.Equal(2, worker.Host.Of(CoordinatorMessage.ContentOneofCase.Welcome).Count());
    }

    [Fact]
    public async Task Run_CoordinatorNotThereYet_IsTriedUntilItIs()
    {
        var folder = Directory.CreateTempSubdirectory("vaecluster-control-");
        try
        {
            var address = $"unix:{Path.Combine(folder.FullName, "socket")}";
            await using var worker = new RunningConnection(Protocol.Transport.TransportAddress.Parse(address)).Start();
            worker.Connection.Send(Hash(1));
            Assert.False(worker.Connection.IsConnected);

            var options = new VaeCluster.Coordinator.CoordinatorOptions { Listen = address };
            await using var coordinator = await RealCoordinator.StartAsync(folder.FullName, options);

            await Deadline.Until(() => worker.Connection.IsConnected, "the connection");
            await Deadline.Until(() => worker.Connection.Unconfirmed == 0, "the confirmation");
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    [Fact]
    public async Task Run_CoordinatorStopsAtAnyMoment_IsLookedForAgain()
    {
        var folder = Directory.CreateTempSubdirectory("vaecluster-control-");
        try
        {
            var address = $"unix:{Path.Combine(folder.FullName, "socket")}";
            var random = new Random(1);
            var options = RunningConnection.Patient();
            (options.FirstPause, options.LongestPause) = (TimeSpan.FromMilliseconds(1), TimeSpan.FromMilliseconds(2));
            await using var worker = new RunningConnection(Protocol.Transport.TransportAddress.Parse(address), options).Start();
            for (var round = 0; round < 40; round++)
            {
                var going = await FakeCoordinator.StartAsync(address);
                // Before the hello, in the middle of it, while it waits for the answer.
                Thread.SpinWait(random.Next(300_000));
                await going.StopAsync();
                Assert.False(worker.Outcome.IsCompleted, $"The connection ended in round {round}: {worker.Outcome.Exception}");
            }

            await using var coordinator = await FakeCoordinator.StartAsync(address);
            await (await coordinator.CallAsync()).WelcomeAsync();
            await Deadline.Until(() => worker.Connection.IsConnected, "the connection");
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    [Fact]
    public async Task Run_HeartbeatsAreNotAnswered_ConnectsAgain()
    {
        await using var coordinator = await FakeCoordinator.StartAsync();
        var options = RunningConnection.Patient();
        await using var worker = new RunningConnection(coordinator.Address, options).Start();
        var first = await coordinator.CallAsync();
        await first.WelcomeAsync();
        worker.Connection.Send(Hash(1));
        // Read, but not answered.
        Assert.Equal([1], await HashesAsync(first, 1));
        options.LeastSilence = Impatience;

        var second = await coordinator.CallAsync();

        options.LeastSilence = Deadline.Default;
        await GoesAsync(first);
        await second.WelcomeAsync();
        Assert.Equal([1], await HashesAsync(second, 1));
    }

    [Fact]
    public async Task Run_CoordinatorDoesNotRead_ConnectsAgain()
    {
        await using var coordinator = await FakeCoordinator.StartAsync();
        var options = RunningConnection.Patient();
        await using var worker = new RunningConnection(coordinator.Address, options).Start();
        var first = await coordinator.CallAsync();
        // More than the windows hold, so that writing waits for ever.
        for (var i = 0; i < 100; i++) worker.Connection.Send(new WorkerMessage { Goodbye = new() { Kind = Goodbye.Types.Kind.LeaveAsked, Reason = new string('a', 100_000) } });

        await first.WelcomeAsync();
        options.LeastSilence = Impatience;

        var second = await coordinator.CallAsync();
        options.LeastSilence = Deadline.Default;
        await second.WelcomeAsync();
        for (var i = 0; i < 100; i++) Assert.Equal(Content.Goodbye, (await second.ReadAsync()).ContentCase);
    }

    [Fact]
    public async Task Run_HelloIsNotAnswered_ConnectsAgain()
    {
        await using var coordinator = await FakeCoordinator.StartAsync();
        var options = RunningConnection.Patient();
        options.Welcome = TimeSpan.FromMilliseconds(50);
        await using var worker = new RunningConnection(coordinator.Address, options).Start();
        for (var i = 0; i < 2; i++) await coordinator.CallAsync();
        Assert.Equal(0, worker.Connection.Connections);
        Assert.Empty(worker.Host.Heard);
    }

    [Fact]
    public async Task Received_OlderTermOrOtherRun_IsIgnored()
    {
        await using var coordinator = await FakeCoordinator.StartAsync();
        await using var worker = new RunningConnection(coordinator.Address).Start();
        var call = await coordinator.CallAsync();
        await call.WelcomeAsync(term: 3);
        worker.Connection.Records.Add(new StepRecord { Step = 1 });

        await call.SendAsync(Halt(1), term: 2);
        await call.SendAsync(Halt(2), term: 3, run: "run-2");
        await call.SendAsync(new CoordinatorMessage { RecordsAcknowledged = new() { BeforeStep = 9 } }, term: 2);
        await call.SendAsync(new CoordinatorMessage(), term: 3);
        await call.SendAsync(Halt(3), term: 3);
        await call.SendAsync(Halt(4), term: 4);
        await call.SendAsync(Halt(5), term: 3);
        await call.SendAsync(Halt(6), term: 4);

        await Deadline.Until(() => worker.Host.Of(CoordinatorMessage.ContentOneofCase.Halt).Count() == 3, "three halts");
        Assert.Equal([3, 4, 6], worker.Host.Of(CoordinatorMessage.ContentOneofCase.Halt).Select(message => (int)message.Halt.Generation.Number));
        Assert.Equal((4ul, 1), (worker.Connection.Term, worker.Connection.Records.Count));
        Assert.True(worker.Connection.IsConnected);
    }

    [Fact]
    public async Task Run_WelcomeOfAnOlderTermOrAnotherRun_IsNotTaken()
    {
        await using var coordinator = await FakeCoordinator.StartAsync();
        await using var worker = new RunningConnection(coordinator.Address).Start();
        var first = await coordinator.CallAsync();
        await first.WelcomeAsync(term: 3);
        await first.ReadAsync(Content.Heartbeat);
        first.End();

        // The one that was replaced still listens; the worker goes on looking.
        await (await coordinator.CallAsync()).WelcomeAsync(term: 2);
        await (await coordinator.CallAsync()).WelcomeAsync(term: 4, run: "run-2");
        var last = await coordinator.CallAsync();
        Assert.Equal("run-1", (await last.WelcomeAsync(term: 4)).Run);

        await Deadline.Until(() => worker.Connection.Connections == 2, "the second connection");
        Assert.Equal([3, 4], worker.Host.Heard.Select(message => (int)message.Term));
    }

    [Fact]
    public async Task Run_Refused_EndsWithTheReason()
    {
        await using var coordinator = await FakeCoordinator.StartAsync();
        await using var worker = new RunningConnection(coordinator.Address).Start();
        var call = await coordinator.CallAsync();
        await call.ReadAsync();

        await call.SendAsync(new CoordinatorMessage { Refused = new() { Reason = "Use the same image." } });

        Assert.Equal(new ConnectionOutcome(ConnectionEnd.Refused, "Use the same image."), await Deadline.For(worker.Outcome, "the connection's end"));
        Assert.Single(worker.Host.Of(CoordinatorMessage.ContentOneofCase.Refused));
    }

    [Fact]
    public async Task Run_RefusedForAWhile_ComesBack()
    {
        await using var coordinator = await FakeCoordinator.StartAsync();
        await using var worker = new RunningConnection(coordinator.Address).Start();
        var first = await coordinator.CallAsync();
        await first.ReadAsync();
        await first.SendAsync(new CoordinatorMessage { Refused = new() { Reason = "Full.", RetryAfterMs = 10 } });

        await (await coordinator.CallAsync()).WelcomeAsync();

        await Deadline.Until(() => worker.Connection.IsConnected, "the connection");
        Assert.False(worker.Outcome.IsCompleted);
    }

    [Fact]
    public async Task Run_RefusedLater_EndsToo()
    {
        await using var coordinator = await FakeCoordinator.StartAsync();
        await using var worker = new RunningConnection(coordinator.Address).Start();
        var call = await coordinator.CallAsync();
        await call.WelcomeAsync();

        await call.SendAsync(new CoordinatorMessage { Refused = new() { Reason = "Another one has your id." } });

        Assert.Equal(ConnectionEnd.Refused, (await Deadline.For(worker.Outcome, "the connection's end")).End);
    }

    [Fact]
    public async Task Run_Closed_EndsTheStream()
    {
        await using var coordinator = await FakeCoordinator.StartAsync();
        await using var worker = new RunningConnection(coordinator.Address).Start();
        var call = await coordinator.CallAsync();
        await call.WelcomeAsync();
        await Deadline.Until(() => worker.Connection.IsConnected, "the connection");

        Assert.Equal(ConnectionEnd.Closed, (await worker.CloseAsync()).End);

        await GoesAsync(call);
        Assert.False(worker.Connection.IsConnected);
    }

    [Fact]
    public async Task Records_NotAcknowledged_AreSentAgainFromTheOldest()
    {
        await using var coordinator = await FakeCoordinator.StartAsync();
        var options = RunningConnection.Patient();
        options.RecordsAgain = TimeSpan.FromMilliseconds(50);
        await using var worker = new RunningConnection(coordinator.Address, options).Start();
        var call = await coordinator.CallAsync();
        for (var step = 4ul; step < 8; step++) worker.Connection.Records.Add(new StepRecord { Step = step });
        worker.Connection.SendRecords = true;
        await call.WelcomeAsync();

        Assert.Equal([4, 5, 6, 7], await RecordsAsync(call));
        Assert.Equal([4, 5, 6, 7], await RecordsAsync(call));
        await call.SendAsync(new CoordinatorMessage { RecordsAcknowledged = new() { BeforeStep = 6 } });
        await Deadline.Until(() => worker.Connection.Records.Count == 2, "the acknowledgement");
        // One more of the old ones may have been on its way.
        ulong[] again;
        do again = await RecordsAsync(call);
        while (again[0] == 4);
        Assert.Equal([6, 7], again);
    }

    [Fact]
    public async Task Flush_EverythingIsHeard_ReturnsTrueAndElseFalse()
    {
        await using var coordinator = await FakeCoordinator.StartAsync();
        await using var worker = new RunningConnection(coordinator.Address).Start();
        worker.Connection.Send(new WorkerMessage { Goodbye = new() { Kind = Goodbye.Types.Kind.LeaveDone } });
        Assert.False(await worker.Connection.FlushAsync(TimeSpan.FromMilliseconds(50), TestContext.Current.CancellationToken));

        var call = await coordinator.CallAsync();
        await call.WelcomeAsync(interval: 60_000);
        var flushing = worker.Connection.FlushAsync(Deadline.Default, TestContext.Current.CancellationToken);
        await call.ReadAsync(Content.Goodbye);
        await call.HearAsync(await FirstAfterAsync(call));

        Assert.True(await Deadline.For(flushing, "everything to be heard"));
    }

    private static WorkerMessage Hash(ulong step) => new()
    {
        StateHash = new() { CompletedSteps = step, Sha256 = Google.Protobuf.ByteString.CopyFrom(new byte[32]) },
    };

    private static CoordinatorMessage Halt(ulong number) => new() { Halt = new() { Generation = new() { Term = 1, Number = number } } };

    private static async Task<List<int>> HashesAsync(WorkerCall call, int count)
    {
        var steps = new List<int>();
        while (steps.Count < count)
        {
            var message = await call.ReadAsync();
            // Heartbeats stay unanswered here, so that nothing is confirmed.
            if (message.ContentCase == Content.StateHash) steps.Add((int)message.StateHash.CompletedSteps);
        }
        return steps;
    }

    private static async Task<ulong[]> RecordsAsync(WorkerCall call) =>
        [.. (await call.ReadAsync(Content.StepRecords)).StepRecords.Records.Select(record => record.Step)];

    /// <summary>The heartbeat that comes next, and so was written after all that was read before.</summary>
    private static Task<WorkerMessage> FirstAfterAsync(WorkerCall call) => call.ReadAsync(Content.Heartbeat);

    private static Task GoesAsync(WorkerCall call) => Deadline.Until(() => call.Gone.IsCancellationRequested, "the worker to go");
}
