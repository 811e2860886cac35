namespace VaeCluster.Collectives.Tests;

public sealed class EarlyEndTests
{
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(30);

    [Fact]
    public async Task End_AtAnyMoment_ReturnsAndANewPlanOfOtherMembersIsRight()
    {
        using var wire = new Wire(5);
        var random = new Random(5);
        var layout = Cluster.Layout(8, [300, 700], queued: 1000);
        Member[] all = [.. Enumerable.Range(0, 5).Select(_ => new Member(layout))];
        for (var number = 1UL; number <= 60; number++)
        {
            Member[] members = [.. all.OrderBy(_ => random.Next()).Take(random.Next(2, 6))];
            var spares = random.Next(members.Length);
            var start = (long)number * 100;
            Cluster.Open(members, number, Cluster.Deal(8, members.Length - spares, spares, random), wire.Link, start);
            var moment = random.Next(20_000);
            var ender = Task.Run(() =>
            {
                Thread.SpinWait(moment);
                foreach (var member in members) member.Exchange.End("Halt.");
            }, TestContext.Current.CancellationToken);

            Cluster.RunAll(members, member =>
            {
                for (var step = start; member.Step(step).Status == ExchangeStatus.Completed; step++)
                {
                    Cluster.AssertSameBits(Expected(layout, step), member.Result(), $"plan {number}, step {step}");
                    member.Spoil();
                }
                // The memory is the caller's again at once.
                member.Spoil();
            }, wire);
            await ender.WaitAsync(Deadline, TestContext.Current.CancellationToken);
        }
    }

    [Fact]
    public async Task End_WhileWaiting_ReturnsTheReasonAndLeavesContributionsAsTheyWere()
    {
        var layout = Cluster.Layout(4);
        var member = new Member(layout);
        member.Open(Cluster.Plan(1, 0, [new(0, 2), new(2, 4)]), [null, new KeptLink()], 0);
        Assert.True(member.Begin(0));
        var values = FloatMemory.Allocate(300);
        var before = Gradients.Of(0, 0, 300);
        before.CopyTo(values.Floats);
        Assert.True(member.Exchange.Contribute(1, new(0, 2), values));
        var waiting = Task.Run(() => member.Exchange.Wait(Deadline), TestContext.Current.CancellationToken);

        member.Exchange.End("A peer is lost.");
        member.Exchange.End("Once more.");

        var outcome = await waiting.WaitAsync(Deadline, TestContext.Current.CancellationToken);
        Assert.Equal(new ExchangeOutcome(ExchangeStatus.Ended, default, "A peer is lost."), outcome);
        Assert.Equal(before, values.Floats.ToArray());
        Assert.False(member.Exchange.Contribute(0, new(0, 2), FloatMemory.Allocate(37)));
        Assert.False(member.Begin(1));
        Assert.False(member.Exchange.Prepare(Cluster.Plan(2, 0, [new(0, 4)]), [null]));
    }

    [Fact]
    public void End_FromWithinPush_ReturnsAndStopsTheWork()
    {
        var layout = Cluster.Layout(4);
        var member = new Member(layout);
        var link = new KeptLink();
        member.Open(Cluster.Plan(1, 0, [new(0, 2), new(2, 4)]), [null, link], 0);
        link.OnPush = () => member.Exchange.End("The link broke.");
        Assert.True(member.Begin(0));

        Assert.False(member.Exchange.Contribute(1, new(0, 2), FloatMemory.Allocate(300)));
        Assert.Single(link.Kept);
        Assert.Equal(1, link.Drops);
        Assert.Equal(ExchangeStatus.Ended, member.Wait().Status);
    }

    [Fact]
    public void End_AfterCompletion_TheStepStaysCompleted()
    {
        var member = new Member(Cluster.Layout(1));
        member.Open(Cluster.Plan(1, 0, [new(0, 1)]), [null], 0);
        Assert.Equal(ExchangeStatus.Completed, member.Step(0).Status);
        var before = member.Result();

        member.Exchange.End("Halt.");

        Assert.Equal(ExchangeStatus.Completed, member.Exchange.Wait(TimeSpan.Zero).Status);
        Assert.Equal(before, member.Result());
        Assert.False(member.Begin(1));
    }

    [Fact]
    public void Received_AfterEndOrUnderANewPlan_ChangesNothing()
    {
        var layout = Cluster.Layout(2, [64]);
        Member[] members = [new(layout), new(layout)];
        var fromPeer = new KeptLink();
        members[0].Open(Cluster.Plan(1, 0, [new(0, 1), new(1, 2)]), [null, new KeptLink()], 0);
        members[1].Open(Cluster.Plan(1, 1, [new(0, 1), new(1, 2)]), [fromPeer, null], 0);
        Assert.True(members[0].Begin(0));
        Assert.True(members[1].Begin(0));
        members[1].Contribute(0);
        var (header, payload) = Assert.Single(fromPeer.Kept);
        var landing = members[0].Exchange.Resolve(header, payload.Length);
        Assert.True(landing.Lands);

        foreach (var member in members) member.Exchange.End("Halt.");
        Assert.Equal(Refusal.Late, members[0].Exchange.Resolve(header, payload.Length).Refusal);
        Cluster.Open(members, 2, [new(0, 1), new(1, 2)], peer => new DirectLink(peer), step: 0);
        Assert.Equal(Refusal.StaleGeneration, members[0].Exchange.Resolve(header, payload.Length).Refusal);
        foreach (var member in members) Assert.True(member.Begin(0));
        members[1].Contribute(0);
        landing.Destination.Span.Fill(0xff);
        members[0].Exchange.Received(header);
        members[0].Exchange.Abandoned(header);
        members[0].Contribute(0);

        foreach (var member in members)
        {
            Assert.Equal(ExchangeStatus.Completed, member.Wait().Status);
            Cluster.AssertSameBits(Expected(layout, 0), member.Result(), "the new plan");
        }
    }

    private static float[] Expected(ExchangeLayout layout, long step) =>
        Gradients.Sum(SlotTree.Root(layout.Slots), step, (int)layout.Length, (_, _) => false)!;
}
