
namespace VaeCluster.Coordinator.Tests.Plans;

public sealed class FirstPlanTests
{
    [Fact]
    public void Decide_Nobody_Waits() => Assert.Equal("Waiting for workers: none is ready.", new Simulation().Reason);

    [Fact]
    public void Decide_FirstWorker_RestoresAndBegins()
    {
        var simulation = new Simulation();

        var worker = simulation.Come("w1");

        Assert.Contains("Nobody holds the state: w1 loads the newest checkpoint.", simulation.Reasons.Concat(Restores(simulation)));
        Assert.Equal("w1 is ready and begins with step 0.", worker.Plan!.Reason);
        Assert.Equal(8u, worker.Part!.Slots);
        Assert.Equal("Plan 1.1 stands: 1 contributor for 8 slots.", simulation.Reason);
        Assert.Equal("manifest-1", simulation.Run.ManifestId);
        Assert.Equal(1000ul, simulation.Run.TotalSteps);
    }

    [Fact]
    public void Decide_MinMembers_WaitsForThemAll()
    {
        var simulation = new Simulation(options: options => options.Plans.MinMembers = 2);

        var first = simulation.Come("w1");
        Assert.Equal("Waiting for workers: 1 of 2 are ready.", simulation.Reason);
        Assert.Null(first.Plan);

        simulation.Come("w2");
        Assert.Equal([4u, 4u], first.Plan!.Members.Select(member => member.Slots));
    }

    [Fact]
    public void Decide_DifferentCheckpoints_BeginsAtTheHighestAndOthersCopy()
    {
        var simulation = new Simulation(options: options => options.Plans.MinMembers = 2);
        simulation.Come("w1", worker => worker.Checkpoint = 10);
        var second = simulation.Come("w2", worker => worker.Checkpoint = 40);

        Assert.Equal(40ul, second.Plan!.FirstStep);
        Assert.Equal([true, false], second.Plan.Members.Select(member => member.CopiesState));
        Assert.Equal([1u], second.Plan.Sources);
        Assert.Equal(1u, second.Plan.Writer);
    }

    [Fact]
    public void Decide_WorkersThatComeOneAfterTheOther_AreGatheredForASecondAfterTheFirst()
    {
        var simulation = new Simulation(slots: 1);
        simulation.Come("w1");
        simulation.Advance(5);
        simulation.Come("w2");
        Assert.True(simulation.Step());
        simulation.Come("w3");
        simulation.Advance(0.5);
        simulation.Come("w4");

        Assert.Equal("Plan 1.2 stands: 1 contributor for 1 slots. w3 and w4 are gathered for the next one.", simulation.Reason);
        simulation.Advance(0.6);
        Assert.Equal("Plan 1.3 comes into force after the step in which all know it: w3 and w4 join.", simulation.Reason);
    }

    [Fact]
    public void Handle_ManyWorkersThatWent_OnlyTheLastOfThemAreShown()
    {
        var simulation = new Simulation();
        simulation.Come("w0");
        for (var i = 1; i <= 150; i++) simulation.Disconnect(simulation.Come($"w{i}"));
        Assert.Equal(151, simulation.Run.Workers.Count);

        simulation.Advance(10);
        while (simulation.Run.Next is not null) simulation.Step();
        simulation.Advance(10);

        Assert.Equal(101, simulation.Run.Workers.Count);
        simulation.Advance(60);
        Assert.Single(simulation.Run.Workers);
    }

    [Fact]
    public void Decide_LaterWorkers_AreGatheredForASecondWhileOthersLoadAndTakeSlotsWhenTheyHoldTheState()
    {
        var simulation = new Simulation();
        var first = simulation.Come("w1");
        simulation.Advance(5);
        var (second, third, last) = (Loading("w2"), Loading("w3"), Loading("w4"));
        simulation.Say(second, second.Ready());
        simulation.Advance(0.5);
        simulation.Say(third, third.Ready());

        Assert.Equal("Plan 1.1 stands: 1 contributor for 8 slots. w2 and w3 are gathered for the next one.", simulation.Reason);
        simulation.Advance(0.6);
        Assert.Equal("Plan 1.2 comes into force after the step in which all know it: w2 and w3 join.", simulation.Reason);
        Assert.True(simulation.Step());
        Assert.Equal("w2 and w3 hold the state and take slots.", first.Next!.Reason);
        Assert.True(simulation.Step());

        Assert.Equal(8, first.Plan!.Members.Sum(member => member.Slots));
        Assert.All([first, second, third], worker => Assert.True(worker.Part!.Slots >= 2));
        Assert.Equal("Plan 1.3 stands: 3 contributors for 8 slots.", simulation.Reason);
        Assert.Equal(0, simulation.Halts);

        // Nobody else is on the way.
        simulation.Say(last, last.Ready());
        Assert.Equal("Plan 1.4 comes into force after the step in which all know it: w4 joins.", simulation.Reason);

        ScriptedWorker Loading(string id) => simulation.Come(id, worker => worker.Loads = false);
    }

    [Fact]
    public void Decide_MoreWorkersThanSlots_KeepsSpares()
    {
        var simulation = new Simulation(slots: 2, options: options => options.Plans.MinMembers = 3);
        foreach (var id in new[] { "w1", "w2", "w3" }) simulation.Come(id);
        var spare = simulation.Connected.Single(worker => worker.Part!.Slots == 0);
        simulation.Step();

        simulation.Kill(spare);
        simulation.Advance(0.2);
        Assert.Null(simulation.Run.Next); // others may go as well
        simulation.Advance(1);
        simulation.Step();

        Assert.Equal(0, simulation.Halts);
        Assert.Equal($"{spare.Id} was a spare and is gone.", simulation.Run.Plan!.Reason);
        Assert.Equal(2, simulation.Run.Plan.Members.Length);
    }

    [Fact]
    public void Decide_OneThatCannotTakeAllSlots_Waits()
    {
        var simulation = new Simulation();
        simulation.Come("w1", worker => worker.MostSlots = 5);

        Assert.Equal("Waiting for workers: w1 can't take all 8 slots.", simulation.Reason);
        simulation.Come("w2", worker => worker.MostSlots = 5);
        simulation.Advance(2);
        Assert.Equal([4, 4], simulation.Run.Plan!.Members.Select(member => member.Range.Count).OrderDescending());
    }

    [Fact]
    public void Hear_OtherFingerprint_IsRefusedNamingTheDifference()
    {
        var simulation = new Simulation();
        simulation.Come("w1");

        var other = simulation.Come("w2", worker => worker.Fingerprint["libtorch"] = "2.11");

        Assert.Equal("The worker computes other bits than the run: libtorch is 2.11, not 1.13. "
            + "Use the same machine type and image, or set train.mixed_workers and give up equal weights.", other.Refused!.Reason);
        Assert.Null(simulation.Run.Find("w2"));
    }

    [Fact]
    public void Hear_OtherFingerprintWhereMixedWorkersAreAllowed_IsTaken()
    {
        var simulation = new Simulation(mixed: true);
        simulation.Come("w1");

        Assert.Null(simulation.Come("w2", worker => worker.Fingerprint["libtorch"] = "2.11").Refused);
        Assert.NotNull(simulation.Run.Find("w2"));
    }

    [Fact]
    public void Hear_OtherManifest_IsPutOutWithTheReason()
    {
        var simulation = new Simulation();
        simulation.Come("w1");
        simulation.Come("w2", worker => worker.ManifestId = "manifest-2");
        simulation.Advance(3);

        Assert.Equal("lists other data: its manifest is manifest-2, the run's is manifest-1", simulation.Run.Find("w2")!.Out!.Reason);
        Assert.Single(simulation.Run.Plan!.Members);
    }

    [Fact]
    public void Hear_SecondProcessWithTheSameId_IsRefusedWhileTheFirstLives()
    {
        var simulation = new Simulation();
        var first = simulation.Come("w1");
        simulation.Step();

        var second = simulation.Come("w1");

        Assert.StartsWith("A worker with the id w1 is here and lives", second.Refused!.Reason);
        Assert.True(second.Refused.RetryAfterMs > 0);
        simulation.Advance(2);
        Assert.True(simulation.Step());
        Assert.NotNull(first.Plan);
    }

    private static IEnumerable<string> Restores(Simulation simulation) => simulation.Effects
        .OfType<VaeCluster.Coordinator.Runs.RunEffect.Send>().Where(send => send.Message.Restore is not null).Select(send => send.Message.Restore.Reason);
}
