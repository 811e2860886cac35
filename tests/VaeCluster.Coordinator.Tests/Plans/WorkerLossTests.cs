using VaeCluster.Protocol.V1;

namespace VaeCluster.Coordinator.Tests.Plans;

public sealed class WorkerLossTests
{
    [Fact]
    public void Decide_KilledContributor_HaltsAndGoesOnWithTheSurvivors()
    {
        var (simulation, workers) = Running(3);
        simulation.Step();

        simulation.Kill(workers[1]);
        Assert.Equal(0, simulation.Halts);
        simulation.Advance(0.1);

        Assert.Equal(1, simulation.Halts);
        Assert.Equal("w2 lost its stream. w1 and w3 go on with step 1.", workers[0].Plan!.Reason);
        Assert.Equal([4u, 4u], workers[0].Plan!.Members.Select(member => member.Slots));
        Assert.True(simulation.Step());
    }

    [Fact]
    public void Decide_BrokenStreamAndAReport_IsALossAtOnce()
    {
        var (simulation, workers) = Running(3);

        simulation.Kill(workers[1]);
        simulation.Say(workers[0], workers[0].PeerLost("w2"));

        Assert.Equal("w2 lost its stream and was reported by a peer. w1 and w3 go on with step 0.", workers[0].Plan!.Reason);
    }

    [Fact]
    public void Decide_KilledContributor_IsNoNewcomer()
    {
        var (simulation, workers) = Running(3);
        simulation.Kill(workers[1]);
        simulation.Say(workers[0], workers[0].PeerLost("w2"));
        simulation.Advance(1);

        Assert.Equal(["w1", "w3"], simulation.Run.Plan!.Members.Select(member => member.Worker));
        Assert.Null(simulation.Run.Next);
        Assert.Equal(2, simulation.Effects.OfType<VaeCluster.Coordinator.Runs.RunEffect.Planned>().Count());
    }

    /// <summary>A newcomer works under the next plan at once; that says nothing of those who are to switch to it, and can't any more.</summary>
    [Fact]
    public void Decide_LinkBrokenWhileANewcomerJoins_IsNotForgotten()
    {
        var (simulation, workers) = Running(3);
        simulation.Step();
        var newcomer = simulation.Come("w4");
        Assert.NotNull(simulation.Run.Next);
        simulation.Say(workers[0], workers[0].PeerLost("w2"));
        simulation.Say(newcomer, newcomer.Heartbeat());
        Assert.NotNull(simulation.Run.Next);

        simulation.Advance(0.2);

        Assert.Equal(1, simulation.Halts);
        Assert.DoesNotContain(simulation.Run.Plan!.Members, member => member.Worker == "w2" && member.Contributes);
        Assert.True(simulation.Step());
    }

    /// <summary>One member has done the step after which the next plan is in force; another one hangs in it.</summary>
    [Fact]
    public void Decide_LinkBrokenInTheLastStepOfAPlan_IsNotForgotten()
    {
        var (simulation, workers) = Running(3);
        simulation.Step();
        simulation.Come("w4");
        simulation.Say(workers[0], workers[0].PeerLost("w2"));
        simulation.Say(workers[2], [.. workers[2].Switch(2)]);
        Assert.Null(simulation.Run.Next);

        simulation.Advance(0.2);

        Assert.Equal(1, simulation.Halts);
        Assert.DoesNotContain(simulation.Run.Plan!.Members, member => member.Worker == "w2" && member.Contributes);
    }

    [Fact]
    public void Decide_SpareLeaves_ThePlanWithoutItWaitsForItsContributors()
    {
        var (simulation, workers) = Running(3, slots: 2);
        simulation.Step();
        var spare = workers.First(worker => worker.Part!.Slots == 0);

        simulation.Say(spare, spare.Goodbye(Goodbye.Types.Kind.LeaveAsked));
        Assert.NotNull(simulation.Run.Next);
        simulation.Say(spare, spare.Goodbye(Goodbye.Types.Kind.LeaveDone));

        Assert.NotNull(simulation.Run.Next);
        Assert.Equal(3, simulation.Run.Plan!.Members.Length);
        Assert.True(simulation.Step());
        Assert.Equal(2, simulation.Run.Plan!.Members.Length);
        Assert.Equal(0, simulation.Halts);
    }

    [Fact]
    public void Decide_ManyEventsAtOnce_OnePlanForAll()
    {
        var (simulation, workers) = Running(3);
        simulation.Step();
        simulation.DecidesLate = true;
        var plans = simulation.Effects.OfType<VaeCluster.Coordinator.Runs.RunEffect.Planned>().Count();

        simulation.Kill(workers[1]);
        simulation.Advance(0.1);

        Assert.Equal("w2 lost its stream. w1 and w3 go on with step 1.", workers[0].Plan!.Reason);
        Assert.Equal(plans + 1, simulation.Effects.OfType<VaeCluster.Coordinator.Runs.RunEffect.Planned>().Count());
        Assert.True(simulation.Step());
    }

    [Fact]
    public void Decide_SpareLostDuringAHalt_IsNotWaitedFor()
    {
        var (simulation, workers) = Running(4, slots: 2);
        simulation.Step();
        var spare = workers.First(worker => worker.Part!.Slots == 0);
        var contributor = workers.Last(worker => worker.Part!.Slots > 0);
        simulation.Stop(spare);
        simulation.Kill(contributor);
        simulation.Advance(0.1);
        Assert.NotNull(simulation.Run.Halt);

        simulation.Disconnect(spare);

        Assert.Equal(2, simulation.Run.Plan!.Members.Length);
        Assert.Null(simulation.Run.Halt);
        Assert.True(simulation.Step());
    }

    [Fact]
    public void Decide_StreamBrokenForAMoment_ChangesNothing()
    {
        var (simulation, workers) = Running(2);

        simulation.Disconnect(workers[1]);
        simulation.Connect(workers[1]);
        simulation.Advance(3);

        Assert.Equal(0, simulation.Halts);
        Assert.True(simulation.Step());
    }

    [Fact]
    public void Decide_StoppedContributor_IsRoutedAroundWithinThreeSecondsFencedAndTakenBackWithACopy()
    {
        var (simulation, workers) = Running(3);
        simulation.Advance(3);
        simulation.Step();
        var before = simulation.Now;

        simulation.Stop(workers[2]);
        while (simulation.Halts == 0) simulation.Advance(0.05);

        Assert.True(simulation.Now - before < TimeSpan.FromSeconds(3), $"It took {simulation.Now - before}.");
        Assert.Matches(@"^w3 was silent for more than \d\.\d s\. w1 and w2 go on with step 1\.$", workers[0].Plan!.Reason);
        simulation.Step();

        simulation.Continue(workers[2]);
        Assert.NotEqual(1UL, workers[2].Plan?.Generation.Number); // it has heard of the plan without it
        simulation.Advance(1.5);
        Assert.Equal("Plan 1.3 comes into force after the step in which all know it: w3 joins.", simulation.Reason);
        Assert.True(workers[0].Next!.Members.Single(member => member.WorkerId == "w3").CopiesState);
        simulation.Step();
        simulation.Step();
        Assert.True(workers[2].Part!.Slots > 0);
        Assert.Equal(workers[0].CompletedSteps, workers[2].CompletedSteps);
    }

    [Fact]
    public void Decide_LossWhileAPlannedChangeIsSent_OverridesIt()
    {
        var (simulation, workers) = Running(2);
        simulation.Come("w3");
        simulation.Advance(1.2);
        Assert.NotNull(simulation.Run.Next);

        simulation.Kill(workers[1]);
        simulation.Advance(0.1);

        Assert.Equal("w2 lost its stream. w1 and w3 go on with step 0.", workers[0].Plan!.Reason);
        Assert.Equal([8, 0], simulation.Run.Plan!.Members.Select(member => member.Range.Count));
        Assert.NotEqual("w3 joins.", simulation.Run.Next?.Reason);
    }

    [Fact]
    public void Decide_SurvivorsAtDifferentSteps_GoOnAtTheHighestAndTheOtherCopies()
    {
        var (simulation, workers) = Running(3);
        simulation.Step();
        workers[0].CompletedSteps = 2; // it had all results already, the others not

        simulation.Kill(workers[2]);
        simulation.Advance(0.1);

        var plan = workers[0].Plan!;
        Assert.Equal(2ul, plan.FirstStep);
        Assert.Equal([false, true], plan.Members.Select(member => member.CopiesState));
        Assert.All(plan.Members, member => Assert.Equal(4u, member.Slots));
    }

    [Fact]
    public void Decide_EveryoneLost_WaitsAndGoesOnWithWhatComesBack()
    {
        var (simulation, workers) = Running(2);
        simulation.Options.Plans.MinMembers = 1;
        for (var step = 0; step < 5; step++) simulation.Step();

        foreach (var worker in workers) simulation.Kill(worker);
        simulation.Advance(0.5);
        Assert.Equal("Waiting for workers: none is ready.", simulation.Reason);

        var back = simulation.Come("w1", worker => worker.Checkpoint = 3);
        Assert.Equal(3ul, back.Plan!.FirstStep);
        Assert.Equal(3ul, simulation.Run.NextRecord);
    }

    [Fact]
    public void Decide_MemberThatDoesNotHalt_IsPutOut()
    {
        var (simulation, workers) = Running(3);
        workers[1].Halts = false;

        simulation.Kill(workers[2]);
        simulation.Advance(0.2);
        Assert.Equal("w3 lost its stream. Waiting for w2 to end the step.", simulation.Reason);
        simulation.Advance(5);

        Assert.Equal("did not end its step within 5 s", simulation.Run.Find("w2")!.Out!.Reason);
        Assert.Equal("w3 lost its stream. w1 goes on with step 0.", workers[0].Plan!.Reason);
    }

    [Fact]
    public void Decide_BrokenLink_PutsTheHigherRankOutForAWhile()
    {
        var (simulation, workers) = Running(3);

        simulation.Say(workers[0], workers[0].PeerLost("w2"));
        simulation.Say(workers[1], workers[1].PeerLost("w1"));
        Assert.Equal("w1 lost w2: The stream broke.", simulation.Reason);
        simulation.Advance(0.15);

        Assert.Equal("w2 has no link to w1. w1 and w3 go on with step 0.", workers[0].Plan!.Reason);
        simulation.Advance(6);
        Assert.Equal("w2 joins.", workers[0].Next!.Reason);
    }

    [Fact]
    public void Decide_BrokenLinks_PutOutWhoMostReport()
    {
        var (simulation, workers) = Running(3);

        simulation.Say(workers[1], workers[1].PeerLost("w1"));
        simulation.Say(workers[2], workers[2].PeerLost("w1"));
        simulation.Advance(0.15);

        Assert.Equal("w1 has no link to w2 and w3. w2 and w3 go on with step 0.", workers[1].Plan!.Reason);
    }

    [Fact]
    public void Decide_BrokenLinkAgain_BacksOffLonger()
    {
        var (simulation, workers) = Running(2);
        for (var times = 0; times < 2; times++)
        {
            simulation.Say(workers[0], workers[0].PeerLost("w2"));
            simulation.Advance(0.2);
            Assert.Equal(TimeSpan.FromSeconds(5 * (1 << times)), Round(simulation.Run.Find("w2")!.Out!.Until!.Value - simulation.Now));
            simulation.Advance(5 * (1 << times) + 2);
            simulation.Step();
            simulation.Step();
            Assert.Equal(2, simulation.Run.Plan!.Contributors.Count());
        }
    }

    [Fact]
    public void Decide_NewProcessUnderAMembersId_IsALossOfTheOldOne()
    {
        var (simulation, workers) = Running(2);
        simulation.Kill(workers[1]);

        var anew = simulation.Come("w2");
        simulation.Advance(0.2);

        Assert.Equal(1, simulation.Halts);
        Assert.Equal(["w1", "w2"], simulation.Run.Plan!.Members.Select(member => member.Worker));
        Assert.Equal(0u, anew.Part!.Slots);
        Assert.True(anew.Part.CopiesState);
    }

    [Fact]
    public void Handle_PauseOfTheCoordinator_LosesNobody()
    {
        var (simulation, workers) = Running(2);
        simulation.Advance(1);
        foreach (var worker in workers) simulation.Stop(worker);

        var later = simulation.Now + TimeSpan.FromMinutes(1);
        simulation.Machine.Handle(new VaeCluster.Coordinator.Runs.RunEvent.Paused(TimeSpan.FromMinutes(1)), later);
        simulation.Machine.Handle(new VaeCluster.Coordinator.Runs.RunEvent.Tick(), later);

        Assert.Null(simulation.Run.Halt);
        Assert.NotNull(simulation.Run.Plan);
    }

    [Fact]
    public void Decide_Drain_HandsTheSlotsOnWithoutAHalt()
    {
        var (simulation, workers) = Running(2);

        simulation.Say(workers[1], workers[1].Goodbye(Goodbye.Types.Kind.LeaveAsked));
        Assert.Equal("w2 leaves.", workers[0].Next!.Reason);
        simulation.Step();
        Assert.Null(workers[1].Plan);
        simulation.Say(workers[1], workers[1].Goodbye(Goodbye.Types.Kind.LeaveDone));
        simulation.Advance(1);

        Assert.Equal(0, simulation.Halts);
        Assert.Equal("Plan 1.2 stands: 1 contributor for 8 slots.", simulation.Reason);
    }

    [Fact]
    public void Decide_LastOneDrains_IsReleasedToSave()
    {
        var (simulation, workers) = Running(1);

        simulation.Say(workers[0], workers[0].Goodbye(Goodbye.Types.Kind.LeaveAsked));

        Assert.Equal(Finish.Types.Kind.Stopped, workers[0].Finish!.Kind);
        Assert.Equal("w1 was asked to leave, and nobody else is ready.", workers[0].Finish!.Reason);
        Assert.Null(simulation.Run.Finished);
    }

    [Fact]
    public void Records_StepDoneWhileTheReleaseWasOnItsWay_IsTaken()
    {
        var (simulation, workers) = Running(1);

        var record = workers[0].Record(0);

        simulation.Say(workers[0], workers[0].Goodbye(Goodbye.Types.Kind.LeaveAsked));
        Assert.NotNull(workers[0].Finish);
        simulation.Say(workers[0], record);

        Assert.Equal(1u, simulation.Run.NextRecord);
    }

    [Fact]
    public void Decide_TheOnlyHolderDrains_StaysUntilAnotherHoldsTheState()
    {
        var (simulation, workers) = Running(1);
        var second = simulation.Come("w2");
        simulation.Say(workers[0], workers[0].Goodbye(Goodbye.Types.Kind.LeaveAsked));

        Assert.Equal("w2 joins.", workers[0].Next!.Reason);
        simulation.Step();
        simulation.Step();

        Assert.Null(workers[0].Finish);
        Assert.Equal(8u, second.Part!.Slots);
        Assert.Null(workers[0].Plan);
    }

    [Fact]
    public void Hello_ReadyProcessUnderAContributorsName_IsALossAndJoinsAnew()
    {
        var (simulation, workers) = Running(3);
        simulation.Step();
        simulation.Disconnect(workers[2]);
        (workers[2].Instance, workers[2].Plan, workers[2].CompletedSteps) = ("other", null, null);
        simulation.Connect(workers[2]);

        Assert.StartsWith("w3 came back as another process.", workers[0].Plan!.Reason);
        simulation.Step();
        simulation.Step();
        Assert.True(workers[2].Part!.Slots > 0);
        Assert.Equal(1, simulation.Halts);
    }

    internal static (Simulation Simulation, ScriptedWorker[] Workers) Running(int members, int slots = 8, ulong totalSteps = 0)
    {
        var simulation = new Simulation(slots, totalSteps: totalSteps, options: options => options.Plans.MinMembers = members);
        var workers = Enumerable.Range(1, members).Select(number => simulation.Come($"w{number}")).ToArray();
        Assert.Equal(members, simulation.Run.Plan!.Members.Length);
        return (simulation, workers);
    }

    private static TimeSpan Round(TimeSpan time) => TimeSpan.FromSeconds(Math.Round(time.TotalSeconds));
}
