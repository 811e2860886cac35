namespace VaeCluster.Coordinator.Tests.Plans;

public sealed class RebalanceTests
{
    [Fact]
    public void Decide_SlowMember_GetsFewerSlotsOnceThatIsMeasured()
    {
        var (simulation, workers) = WorkerLossTests.Running(2, slots: 16);
        workers[0].SlotSeconds = 0.01;
        workers[1].SlotSeconds = 0.04;

        simulation.Advance(2.5);
        Assert.Null(simulation.Run.Next);
        simulation.Advance(1);

        Assert.Equal("w2 takes 4.0 times as long for a slot as w1: dealing anew makes a step take 0.41 of the time.", workers[0].Next!.Reason);
        simulation.Step();
        Assert.Equal([13, 3], simulation.Run.Plan!.Members.Select(member => member.Range.Count));
        Assert.Equal(0, simulation.Halts);

        simulation.Advance(30);
        Assert.Null(simulation.Run.Next);
    }

    [Fact]
    public void Decide_LittleToGain_LeavesThePlan()
    {
        var (simulation, workers) = WorkerLossTests.Running(2, slots: 16);
        workers[1].SlotSeconds = workers[0].SlotSeconds * 1.15;
        simulation.Advance(30);

        Assert.Null(simulation.Run.Next);
        Assert.Equal("Plan 1.1 stands: 2 contributors for 16 slots.", simulation.Reason);
    }
}
