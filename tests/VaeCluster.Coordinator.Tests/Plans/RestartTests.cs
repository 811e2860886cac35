using VaeCluster.Coordinator.Runs;

namespace VaeCluster.Coordinator.Tests.Plans;

public sealed class RestartTests
{
    [Fact]
    public void Decide_AllComeBack_AdoptsTheirPlanWithoutAHalt()
    {
        var (before, workers) = WorkerLossTests.Running(3);
        for (var step = 0; step < 7; step++) before.Step();
        var plan = workers[0].Plan!;

        var after = new Simulation(term: 2);
        Assert.Equal("The coordinator restarted: the workers have a lease's time to come back.", after.Reason);
        after.Connect(workers[0]);
        Assert.Equal("The coordinator restarted: w2 and w3 of plan 1.1 have a lease's time to come back.", after.Reason);
        after.Connect(workers[1]);
        after.Connect(workers[2]);

        Assert.Equal("Plan 1.1 stands: 3 contributors for 8 slots.", after.Reason);
        Assert.Same(plan, workers[0].Plan);
        Assert.Equal(7ul, after.Run.CompletedSteps);
        Assert.True(after.Step());
        after.Advance(10);
        Assert.Equal(0, after.Halts);
    }

    [Fact]
    public void Decide_OneDiedMeanwhile_IsRoutedAroundAfterALeaseAndWithinTwoSeconds()
    {
        var (before, workers) = WorkerLossTests.Running(3);
        for (var step = 0; step < 7; step++) before.Step();

        var after = new Simulation(term: 2);
        after.Connect(workers[0]);
        after.Connect(workers[1]);
        while (after.Run.Plan is null || after.Run.Halt is not null) after.Advance(0.05);

        Assert.True(after.Now < TimeSpan.FromSeconds(2), $"It took {after.Now}.");
        Assert.Equal("w3 did not come back. w1 and w2 go on with step 7.", workers[0].Plan!.Reason);
        Assert.Equal(2ul, workers[0].Plan!.Generation.Term);
        Assert.True(after.Step());
    }

    [Fact]
    public void Decide_OneDiedAndItsPeersSayIt_DoesNotWait()
    {
        var (_, workers) = WorkerLossTests.Running(3);

        var after = new Simulation(term: 2);
        after.Connect(workers[0]);
        after.Connect(workers[1]);
        after.Say(workers[0], workers[0].PeerLost("w3"));

        Assert.Equal(TimeSpan.Zero, after.Now);
        Assert.Equal("w3 did not come back. w1 and w2 go on with step 0.", workers[0].Plan!.Reason);
    }

    [Fact]
    public void Decide_PlannedChangeUnderWay_IsSentAgain()
    {
        var (before, workers) = WorkerLossTests.Running(1);
        var joiner = before.Come("w2");
        before.Advance(1.2);
        Assert.NotNull(workers[0].Next);
        joiner.Next = null; // it never arrived

        var after = new Simulation(term: 2);
        after.Connect(workers[0]);
        after.Connect(joiner);
        Assert.Equal("Plan 1.2 comes into force after the step in which all know it: w2 joins.", after.Reason);
        after.Step();

        Assert.Equal(2, after.Run.Plan!.Members.Length);
    }

    [Fact]
    public void Decide_KilledInTheMiddleOfAHalt_GoesOnFromWhatTheyHold()
    {
        var (before, workers) = WorkerLossTests.Running(2);
        before.Step();
        foreach (var worker in workers) worker.Hear(new() { Run = "run-1", Halt = new() { Generation = new() { Term = 1, Number = 9 }, Reason = "." } });

        var after = new Simulation(term: 2);
        foreach (var worker in workers) after.Connect(worker);
        after.Advance(1.1);

        Assert.Equal("w1 and w2 are ready and begin with step 1.", workers[0].Plan!.Reason);
        Assert.All(workers, worker => Assert.Equal(1, worker.Restores));
    }

    [Fact]
    public void Hear_NewerTerm_IsToldToTheStorageAndRefused()
    {
        var (_, workers) = WorkerLossTests.Running(1);
        var old = new Simulation(term: 1);
        workers[0].Hear(new() { Halt = new() { Generation = new() { Term = 5, Number = 1 } } });
        old.Connect(workers[0]);

        Assert.Contains(new RunEffect.NewerTermTold(5), old.Effects);
        Assert.NotNull(workers[0].Refused);
    }
}
