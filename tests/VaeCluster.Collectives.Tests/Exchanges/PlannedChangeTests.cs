namespace VaeCluster.Collectives.Tests;

public sealed class PlannedChangeTests
{
    private const int Slots = 8;
    private const int Steps = 40;

    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(30);

    public static TheoryData<string, SlotRange[], SlotRange[]> Changes => new()
    {
        { "rebalance", [new(0, 4), new(4, 8), default], [new(0, 1), new(1, 8), default] },
        { "a spare becomes a contributor", [new(0, 4), new(4, 8), default], [new(0, 3), new(3, 5), new(5, 8)] },
        { "a contributor becomes a spare", [new(0, 3), new(3, 5), new(5, 8)], [new(0, 4), default, new(4, 8)] },
        { "roles are swapped", [new(0, 8), default, default], [default, new(0, 5), new(5, 8)] },
        { "one leaves", [new(0, 3), new(3, 5), new(5, 8)], [new(0, 4), new(4, 8)] },
    };

    [Theory]
    [MemberData(nameof(Changes))]
    public void Step_PlanPreparedAtDifferentTimes_AllSwitchAfterTheFirstStepInWhichAllHeldIt(string change, SlotRange[] from, SlotRange[] to)
    {
        using var wire = new Wire(change.Length);
        var layout = Cluster.Layout(Slots, queued: Steps);
        Member[] members = [.. from.Select(_ => new Member(layout))];
        Member[] staying = members[..to.Length];
        Cluster.Open(members, 1, from, wire.Link);
        var switched = new long[members.Length];
        // Who is no contributor does not decide when; it has the plan in time because it has it before they do.
        for (var rank = 0; rank < to.Length; rank++)
        {
            if (from[rank].IsEmpty) Prepare(members[rank], rank);
        }

        Cluster.RunAll(members, member =>
        {
            var rank = Array.IndexOf(members, member);
            for (var step = 0L; step < Steps; step++)
            {
                if (step == 5 + 3 * rank && !from[rank].IsEmpty && rank < to.Length) Prepare(member, rank);
                // The one that leaves is told as well: it holds the plan that it is not in.
                if (step == 5 + 3 * rank && rank >= to.Length) member.Held = new(1, 2);
                var outcome = member.Step(step);
                Assert.Equal(ExchangeStatus.Completed, outcome.Status);
                Cluster.AssertSameBits(Gradients.Sum(SlotTree.Root(Slots), step, (int)layout.Length, (_, _) => false)!, member.Result(), $"{change}, step {step}");
                member.Spoil();
                if (outcome.LowestHeld == member.Plan.Generation) continue;
                switched[rank] = step + 1;
                if (rank >= to.Length) return;
                member.SwitchTo(Cluster.Plan(2, rank, to));
            }
        }, wire);

        // The last contributor prepared it before this step.
        var expected = 5 + 3 * Array.FindLastIndex(from, range => !range.IsEmpty) + 1;
        Assert.All(switched, step => Assert.Equal(expected, step));

        void Prepare(Member member, int rank)
        {
            Assert.True(member.Exchange.Prepare(Cluster.Plan(2, rank, to), Cluster.Links(staying, rank, wire.Link)));
            member.Held = new(1, 2);
        }
    }

    [Fact]
    public void Begin_NewestOfTwoPreparedPlans_TheOtherIsStaleThen()
    {
        var member = new Member(Cluster.Layout(1));
        member.Open(Cluster.Plan(1, 0, [new(0, 1)]), [null], 0);
        Assert.Equal(ExchangeStatus.Completed, member.Step(0).Status);
        for (var number = 2UL; number <= 3; number++) Assert.True(member.Exchange.Prepare(Cluster.Plan(number, 0, [new(0, 1)]), [null]));
        member.Held = new(1, 3);
        member.SwitchTo(Cluster.Plan(3, 0, [new(0, 1)]));

        Assert.Equal(new Generation(1, 3), member.Step(1).LowestHeld);
        Assert.Throws<ArgumentException>(() => member.Exchange.Begin(2, new(1, 2), new(1, 3)));
        Assert.Equal(ExchangeStatus.Completed, member.Step(2).Status);
        Assert.Equal(ExchangeStatus.Completed, member.Step(3).Status);
    }

    [Fact]
    public async Task WaitForPlanAsync_PlanOpenedLater_CompletesThenAndNewerOnesOvertake()
    {
        var member = new Member(Cluster.Layout(1));
        var second = member.Exchange.WaitForPlanAsync(new(1, 2), TestContext.Current.CancellationToken).AsTask();
        var third = member.Exchange.WaitForPlanAsync(new(1, 3), TestContext.Current.CancellationToken).AsTask();
        Assert.False(second.IsCompleted);

        member.Open(Cluster.Plan(2, 0, [new(0, 1)]), [null], 0);
        Assert.True(await second.WaitAsync(Deadline, TestContext.Current.CancellationToken));
        Assert.True(member.Exchange.Prepare(Cluster.Plan(4, 0, [new(0, 1)]), [null]));
        Assert.False(await third.WaitAsync(Deadline, TestContext.Current.CancellationToken));
        Assert.False(await member.Exchange.WaitForPlanAsync(new(1, 1), TestContext.Current.CancellationToken));
        using var cancelled = new CancellationTokenSource();
        var never = member.Exchange.WaitForPlanAsync(new(2, 1), cancelled.Token).AsTask();
        await cancelled.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => never.WaitAsync(Deadline, TestContext.Current.CancellationToken));
    }

    [Fact]
    public void Open_PlanThatDoesNotDealEachSlotOnce_IsABug()
    {
        var exchange = new Exchange(Cluster.Layout(4));
        foreach (var ranges in (SlotRange[][])[[new(0, 3)], [new(0, 3), new(2, 4)], [new(1, 4)], [new(0, 5)], [default]])
        {
            ISegmentLink?[] links = [.. ranges.Select((_, rank) => rank == 0 ? null : new KeptLink())];
            Assert.Throws<ArgumentException>(() => exchange.Open(Cluster.Plan(1, 0, ranges), links, 0));
        }
        Assert.Throws<ArgumentException>(() => exchange.Open(Cluster.Plan(1, 0, [new(0, 2), new(2, 4)]), [null, null], 0));
    }
}
