using VaeCluster.Protocol.V1;

namespace VaeCluster.Coordinator.Tests.Plans;

public sealed class FaultyWorkerTests
{
    [Fact]
    public void Decide_SlotFails_TakesTheWorkerOutWithTheReasonAndGoesOn()
    {
        var (simulation, workers) = WorkerLossTests.Running(2);

        simulation.Say(workers[1], workers[1].SlotFailed(5, "out of memory."));

        Assert.Equal("w2 failed at slot 5 of step 0 (out of memory). w1 goes on with step 0.", workers[0].Plan!.Reason);
        simulation.Advance(60);
        Assert.Single(simulation.Run.Plan!.Members);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Decide_SlotFailsAndItsWorkerLeavesAtOnce_TakesItOutWithTheReason(bool late)
    {
        var (simulation, workers) = WorkerLossTests.Running(2);
        simulation.DecidesLate = late;

        simulation.Say(workers[1], workers[1].SlotFailed(5, "out of memory."), workers[1].Goodbye(Goodbye.Types.Kind.LeaveDone));

        Assert.Equal("w2 failed at slot 5 of step 0 (out of memory). w1 goes on with step 0.", workers[0].Plan!.Reason);
    }

    [Fact]
    public void Decide_ContributorLeavesUnasked_TellsItsReasonAndTakesItsReturn()
    {
        var (simulation, workers) = WorkerLossTests.Running(2);

        simulation.Say(workers[1], workers[1].Goodbye(Goodbye.Types.Kind.LeaveDone));
        Assert.Equal("w2 has left (SIGTERM). w1 goes on with step 0.", workers[0].Plan!.Reason);

        simulation.Come("w2");
        simulation.Advance(10);
        simulation.Step();
        simulation.Step();
        Assert.Equal(2, simulation.Run.Plan!.Members.Length);
    }

    [Fact]
    public void Decide_SameSlotFailsOnTwo_EndsTheRunWithTheError()
    {
        var (simulation, workers) = WorkerLossTests.Running(3);
        simulation.Say(workers[1], workers[1].SlotFailed(5, "cat.png can't be read."));
        simulation.Say(workers[2], workers[2].SlotFailed(5, "cat.png can't be read."));

        Assert.Equal(Finish.Types.Kind.Failed, workers[0].Finish!.Kind);
        Assert.Equal("Slot 5 failed on w2 and w3: cat.png can't be read.", workers[0].Finish!.Reason);
    }

    [Fact]
    public void Decide_SlotOutsideTheRun_IsRefused()
    {
        var (simulation, workers) = WorkerLossTests.Running(2);
        simulation.Say(workers[1], workers[1].SlotFailed(8, "x"));

        Assert.Empty(simulation.Run.SlotFailures);
        Assert.Equal(0, simulation.Halts);
    }

    [Fact]
    public void Decide_OneHashDiffers_ThatMemberCopiesTheState()
    {
        var (simulation, workers) = WorkerLossTests.Running(3);
        simulation.Step();
        foreach (var (worker, hash) in workers.Zip([(byte)1, (byte)2, (byte)1])) simulation.Say(worker, worker.StateHash(hash));

        Assert.Equal("2 of 3 members agree on state 01010101 after 1 steps, not on what w2 holds. w1, w3 and w2 go on with step 1.",
            Sorted(workers[0].Plan!));
        Assert.True(workers[1].Part!.CopiesState);
        Assert.Equal(0u, workers[1].Part!.Slots);
        simulation.Step();
        simulation.Step();
        Assert.True(workers[1].Part!.Slots > 0);
    }

    [Fact]
    public void Decide_NoMajority_AllGoBackAndWhoDiffersAgainGoes()
    {
        var (simulation, workers) = WorkerLossTests.Running(2);
        simulation.Step();
        simulation.Step();
        simulation.Say(workers[0], workers[0].StateHash(1));
        simulation.Say(workers[1], workers[1].StateHash(2));

        Assert.All(workers, worker => Assert.Equal(2, worker.Restores));
        Assert.Equal(0ul, workers[0].Plan!.FirstStep);
        simulation.Step();
        simulation.Step();
        simulation.Say(workers[0], workers[0].StateHash(1));
        simulation.Say(workers[1], workers[1].StateHash(3));

        Assert.StartsWith("After a replay most votes are for state 01010101 after 2 steps, not on what w2 holds.", workers[0].Plan!.Reason);
        Assert.True(workers[1].Part!.CopiesState);
    }

    [Fact]
    public void Decide_SlotDiffersOnOneOfThree_ItIsPutOutAndTheOthersGoBack()
    {
        var (simulation, workers) = WorkerLossTests.Running(3);
        simulation.Step();
        foreach (var (worker, hash) in workers.Zip([(byte)1, (byte)2, (byte)1])) simulation.Say(worker, worker.SlotHash(0, hash));

        Assert.Equal("computed slot 0 of step 0 unlike others", simulation.Run.Find("w2")!.Out!.Reason);
        simulation.Advance(1);
        Assert.Equal(["w1", "w3"], workers[0].Plan!.Members.Select(member => member.WorkerId).Order());
        Assert.Equal(0ul, workers[0].Plan!.FirstStep);
        Assert.Equal([2, 2], new[] { workers[0].Restores, workers[2].Restores });
    }

    [Fact]
    public void Decide_SlotDiffersOnTwo_AllGoBackAndWhoDiffersAgainIsPutOut()
    {
        var (simulation, workers) = WorkerLossTests.Running(2);
        simulation.Step();
        simulation.Say(workers[0], workers[0].SlotHash(0, 1));
        simulation.Say(workers[1], workers[1].SlotHash(0, 2));

        Assert.All(workers, worker => Assert.Equal(2, worker.Restores));
        Assert.All(workers, worker => Assert.Null(simulation.Run.Find(worker.Id)!.Out));
        simulation.Step();
        simulation.Say(workers[0], workers[0].SlotHash(0, 1));
        simulation.Say(workers[1], workers[1].SlotHash(0, 3));

        Assert.Equal("computed slot 0 of step 0 unlike others", simulation.Run.Find("w2")!.Out!.Reason);
        simulation.Advance(1);
        Assert.Equal("w1", Assert.Single(workers[0].Plan!.Members).WorkerId);
    }

    [Fact]
    public void Hear_SlotThatIsNotItsToCompute_IsRefused()
    {
        var (simulation, workers) = WorkerLossTests.Running(4);
        simulation.Step();
        simulation.Say(workers[3], workers[3].SlotHash(0, 1));
        foreach (var slot in (uint[])[99, int.MaxValue, uint.MaxValue]) simulation.Say(workers[0], workers[0].SlotHash(slot, 1));

        Assert.Equal(4, simulation.Effects.Count(effect => effect is VaeCluster.Coordinator.Runs.RunEffect.Refused { What: VaeCluster.Coordinator.Runs.Refusal.Stale }));
        Assert.Empty(simulation.Run.SlotVotes.Now);
    }

    [Fact]
    public void Decide_LieAboutTheStep_IsPutOutAndNotBelieved()
    {
        var (simulation, workers) = WorkerLossTests.Running(3);
        simulation.Step();
        workers[1].CompletedSteps = 900;

        simulation.Kill(workers[2]);
        simulation.Advance(0.2);

        Assert.Equal("told a state of 900 steps where others hold 1", simulation.Run.Find("w2")!.Out!.Reason);
        Assert.Equal(1ul, workers[0].Plan!.FirstStep);
        Assert.Single(workers[0].Plan!.Members);
    }

    [Fact]
    public void Hear_StateBeyondTheRun_IsPutOutAndCounted()
    {
        var (simulation, workers) = WorkerLossTests.Running(2);
        workers[1].CompletedSteps = 5000;
        simulation.Advance(0.5);

        Assert.Equal("told a state of 5000 steps, where the run has 1000", simulation.Run.Find("w2")!.Out!.Reason);
        Assert.Contains(simulation.Effects, effect => effect is VaeCluster.Coordinator.Runs.RunEffect.Refused { What: VaeCluster.Coordinator.Runs.Refusal.Step });
        Assert.Single(workers[0].Plan!.Members);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Decide_MinMembers_CountsWhoWasPutOutForGoodWhileItIsThere(bool isThere)
    {
        var (simulation, workers) = WorkerLossTests.Running(2);
        workers[1].CompletedSteps = 5000;
        simulation.Advance(0.5);
        simulation.Kill(workers[0]);
        if (!isThere) simulation.Kill(workers[1]);
        simulation.Advance(10);

        var third = simulation.Come("w3");
        simulation.Advance(2);

        Assert.Equal(isThere, third.Plan is not null);
        if (!isThere) Assert.StartsWith("Waiting for workers: 1 of 2 are ready", simulation.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public void Hear_RecordsThatSkipOrBelongToNobody_AreRefused()
    {
        var (simulation, workers) = WorkerLossTests.Running(2);
        simulation.Step();

        simulation.Say(workers[0], workers[0].Record(500));
        Assert.Equal(1ul, simulation.Run.NextRecord);
        simulation.Say(workers[0], workers[0].Record(0)); // again: of no harm
        Assert.Equal(1ul, simulation.Run.NextRecord);
        Assert.Single(simulation.Effects.OfType<VaeCluster.Coordinator.Runs.RunEffect.Append>(), append => append.Entry is VaeCluster.Coordinator.Runs.StepEntry);
    }

    [Fact]
    public void Hear_OtherRun_ChangesNothing()
    {
        var (simulation, workers) = WorkerLossTests.Running(1);
        var before = simulation.Run;
        simulation.Say(workers[0], new WorkerMessage { Run = "run-2", Goodbye = new() { Kind = Goodbye.Types.Kind.LeaveDone } });

        Assert.Same(before, simulation.Run);
    }

    [Fact]
    public void Decide_AllStepsRecorded_FinishesWhenTheOthersAreThereToo()
    {
        var (simulation, workers) = WorkerLossTests.Running(2, totalSteps: 1000);
        for (var step = 0; step < 999; step++) simulation.Step();
        simulation.Advance(1);
        Assert.Null(workers[0].Finish);

        simulation.Step();
        simulation.Advance(0.5);

        Assert.All(workers, worker => Assert.Equal(Finish.Types.Kind.Completed, worker.Finish!.Kind));
        Assert.Equal("All 1000 steps are done and recorded.", simulation.Reason);
        Assert.Equal(1000ul, workers[1].AcknowledgedBefore);
    }

    // The order of the survivors is not what is asserted.
    private static string Sorted(Plan plan) => plan.Reason.Replace("w1, w2 and w3 go", "w1, w3 and w2 go", StringComparison.Ordinal);
}
