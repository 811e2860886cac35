namespace VaeCluster.Collectives.Tests;

public sealed class SpareTests
{
    private static readonly SlotRange[] Ranges = [new(0, 2), default, new(2, 4)];

    private readonly ExchangeLayout layout = Cluster.Layout(4, queued: 2);

    [Fact]
    public void Spare_WithinItsQueue_AppliesEachStepLater()
    {
        var (members, spare) = Open();
        for (var step = 0; step <= 2; step++) RunContributors(members, step);

        for (var step = 0; step <= 2; step++) AssertStep(spare, step);
        Assert.Equal(0, spare.Exchange.Refusals(Refusal.QueueFull));
    }

    [Fact]
    public void Spare_BeyondItsQueue_EndsBeforeTheStepItMissedAndGoesOnWithACopiedState()
    {
        var (members, spare) = Open();
        for (var step = 0; step <= 3; step++) RunContributors(members, step);
        Assert.NotEqual(0, spare.Exchange.Refusals(Refusal.QueueFull));
        for (var step = 0; step <= 2; step++) AssertStep(spare, step);

        Assert.False(spare.Begin(3));
        Assert.Contains("behind", spare.Exchange.EndReason, StringComparison.Ordinal);
    }

    [Fact]
    public void SkipTo_StepOfTheCopiedState_ForgetsTheQueueBeforeIt()
    {
        var (members, spare) = Open();
        for (var step = 0; step <= 1; step++) RunContributors(members, step);
        spare.Exchange.SkipTo(2);
        for (var step = 2; step <= 4; step++) RunContributors(members, step);

        for (var step = 2; step <= 4; step++) AssertStep(spare, step);
        Assert.Throws<ArgumentException>(() => spare.Exchange.SkipTo(3));
        Assert.Throws<InvalidOperationException>(() => members[0].Exchange.SkipTo(9));
    }

    [Fact]
    public void SkipTo_BeyondWhatWasMissed_TheQueueIsWholeAgain()
    {
        var (members, spare) = Open();
        for (var step = 0; step <= 4; step++) RunContributors(members, step);
        spare.Exchange.SkipTo(5);
        RunContributors(members, 5);

        AssertStep(spare, 5);
    }

    [Fact]
    public void Open_WithoutAStep_BeginsWithTheFirstSegmentsStep()
    {
        Member[] members = [new(layout), new(layout), new(layout)];
        var spare = members[1];
        Cluster.Open(members, 1, Ranges, peer => new DirectLink(peer), step: 7);
        Assert.Throws<ArgumentNullException>(() => members[0].Exchange.Open(Cluster.Plan(2, 0, Ranges), Cluster.Links(members, 0, peer => new DirectLink(peer)), null));
        Cluster.Open(members, 2, Ranges, peer => new DirectLink(peer), step: 7);
        spare.Exchange.Open(Cluster.Plan(3, 1, Ranges), Cluster.Links(members, 1, peer => new DirectLink(peer)), null);
        foreach (var rank in (int[])[0, 2]) members[rank].Open(Cluster.Plan(3, rank, Ranges), Cluster.Links(members, rank, peer => new DirectLink(peer)), 7);
        spare.SwitchTo(Cluster.Plan(3, 1, Ranges));
        spare.Held = new(1, 3);

        for (var step = 7; step <= 9; step++) RunContributors(members, step);
        spare.Exchange.SkipTo(8);

        for (var step = 8; step <= 9; step++) AssertStep(spare, step);
        Assert.Equal(0, spare.Exchange.Refusals(Refusal.QueueFull));
    }

    [Fact]
    public void Begin_SparesLinkHasNotSentTheStepBeforeLast_LeavesItBehind()
    {
        List<(Generation, int)> told = [];
        Member[] members = [new(layout, (generation, rank) => told.Add((generation, rank))), new(layout), new(layout)];
        var slow = new KeptLink();
        Cluster.Open(members, 1, Ranges, peer => peer == members[1].Exchange ? slow : new DirectLink(peer));
        RunContributors(members, 0);
        RunContributors(members, 1);
        slow.Released = false;
        var before = slow.Kept.Count;

        foreach (var rank in (int[])[0, 2]) Assert.True(members[rank].Begin(2));
        foreach (var rank in (int[])[0, 2]) members[rank].Contribute(2);

        Assert.Equal([(new Generation(1, 1), 1)], told);
        Assert.Equal(before, slow.Kept.Count);
        Assert.Equal(2, slow.Drops);
        Assert.Equal(ExchangeStatus.Completed, members[0].Wait().Status);
        RunContributors(members, 3);
        Assert.Single(told);
    }

    private (Member[] Members, Member Spare) Open()
    {
        Member[] members = [new(layout), new(layout), new(layout)];
        Cluster.Open(members, 1, Ranges, peer => new DirectLink(peer));
        return (members, members[1]);
    }

    private static void RunContributors(Member[] members, long step)
    {
        foreach (var rank in (int[])[0, 2]) Assert.True(members[rank].Begin(step));
        foreach (var rank in (int[])[0, 2]) members[rank].Contribute(step);
        foreach (var rank in (int[])[0, 2]) Assert.Equal(ExchangeStatus.Completed, members[rank].Wait().Status);
    }

    private void AssertStep(Member spare, long step)
    {
        Assert.Equal(ExchangeStatus.Completed, spare.Step(step).Status);
        Cluster.AssertSameBits(Gradients.Sum(SlotTree.Root(4), step, (int)layout.Length, (_, _) => false)!, spare.Result(), $"step {step}");
    }
}
