namespace VaeCluster.Collectives.Tests;

public sealed class ExchangeSumTests
{
    public static TheoryData<int, int> Sizes => new(
        from contributors in Enumerable.Range(1, 8) from spares in Enumerable.Range(0, 3) select (contributors, spares));

    [Theory]
    [MemberData(nameof(Sizes))]
    public void Step_AnyPlanAndOrderOfArrival_IsTheTreesSumToTheBit(int contributors, int spares)
    {
        for (var slots = contributors; slots <= 17; slots++)
        {
            var seed = slots * 100 + contributors * 10 + spares;
            var random = new Random(seed);
            RunSteps(seed, slots, Cluster.Deal(slots, contributors, spares, random), steps: 4, IsEmpty);

            // Every third step is short: slots without samples at its end, and one in the middle.
            bool IsEmpty(long step, int slot) => step % 3 == 2 && slot > 0 && (slot >= slots / 2 || slot == slots / 4);
        }
    }

    [Fact]
    public void Step_ManyInARow_PeersRunAheadAndSumsStayRight() =>
        RunSteps(7, 8, [new(0, 3), new(3, 4), default, new(4, 8)], steps: 300, (step, slot) => step % 10 == 9 && slot > 2);

    [Fact]
    public void Step_OnlyOneSlotHasSamples_ContributorsWithoutSamplesTakePart() =>
        RunSteps(11, 6, [new(0, 2), new(2, 4), new(4, 6)], steps: 60, (step, slot) => slot != step % 6);

    [Fact]
    public void Step_FewerUnitsThanContributors_EmptyChunksAreHeard() =>
        RunSteps(3, 8, [.. Enumerable.Range(0, 8).Select(slot => new SlotRange(slot, slot + 1))], steps: 40, (_, _) => false, [5, 20]);

    [Fact]
    public void Wait_OneBucket_ReturnsBeforeTheOthersAreContributed()
    {
        var layout = Cluster.Layout(2);
        Member[] members = [new(layout), new(layout)];
        Cluster.Open(members, 1, [new(0, 1), new(1, 2)], peer => new DirectLink(peer));
        foreach (var member in members) Assert.True(member.Begin(0));
        foreach (var member in members)
        {
            var values = FloatMemory.Allocate(300);
            values.Floats.Fill(1.5f);
            Assert.True(member.Exchange.Contribute(1, member.Plan.Members[member.Plan.Rank], values));
        }

        Assert.Equal(ExchangeStatus.Completed, members[0].Exchange.Wait(1, TimeSpan.Zero).Status);
        Assert.All(members[0].Exchange.Result(1).Floats.ToArray(), value => Assert.Equal(3f, value));
        Assert.Equal(ExchangeStatus.Running, members[0].Exchange.Wait(TimeSpan.Zero).Status);
        Assert.Throws<InvalidOperationException>(() => members[0].Exchange.Result(0));
    }

    [Fact]
    public void Contribute_WhatIsNotOwn_IsABug()
    {
        var layout = Cluster.Layout(4);
        Member[] members = [new(layout), new(layout)];
        Cluster.Open(members, 1, [new(0, 2), new(2, 4)], peer => new DirectLink(peer), isEmpty: (step, _) => step == 1);
        var exchange = members[0].Exchange;
        var values = FloatMemory.Allocate(37);
        Assert.Throws<InvalidOperationException>(() => exchange.Contribute(0, new(0, 2), values));
        Assert.True(members[0].Begin(0));

        Assert.Throws<ArgumentException>(() => exchange.Contribute(0, new(2, 4), values));
        Assert.Throws<ArgumentException>(() => exchange.Contribute(0, new(0, 1), values));
        Assert.Throws<ArgumentException>(() => exchange.Contribute(1, new(0, 2), values));
        Assert.Throws<ArgumentOutOfRangeException>(() => exchange.Contribute(3, new(0, 2), values));
        Assert.True(exchange.Contribute(0, new(0, 2), values));
        Assert.Throws<InvalidOperationException>(() => exchange.Contribute(0, new(0, 2), values));
        Assert.Throws<InvalidOperationException>(() => members[0].Begin(1));
        Assert.Throws<ArgumentException>(() => exchange.Open(Cluster.Plan(1, 0, [new(0, 2), new(2, 4)]), [null, new DirectLink(exchange)], 0));
    }

    private static void RunSteps(int seed, int slots, SlotRange[] ranges, int steps, Func<long, int, bool> isEmpty, int[]? buckets = null)
    {
        using var wire = new Wire(seed);
        // Spares may be as slow as the scheduler makes them.
        var layout = Cluster.Layout(slots, buckets, queued: steps);
        Member[] members = [.. ranges.Select(_ => new Member(layout))];
        Cluster.Open(members, 1, ranges, wire.Link, isEmpty: isEmpty);
        var expected = Enumerable.Range(0, steps).Select(step => Gradients.Sum(SlotTree.Root(slots), step, (int)layout.Length, isEmpty)!).ToArray();

        Cluster.RunAll(members, member =>
        {
            for (var step = 0; step < steps; step++)
            {
                var outcome = member.Step(step);
                Assert.Equal(new ExchangeOutcome(ExchangeStatus.Completed, new(1, 1), null), outcome);
                Cluster.AssertSameBits(expected[step], member.Result(), $"slots {slots}, {string.Join(' ', ranges)}, rank {member.Plan.Rank}, step {step}");
                member.Spoil();
            }
        }, wire);
    }
}
