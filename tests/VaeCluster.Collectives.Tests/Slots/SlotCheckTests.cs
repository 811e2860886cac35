namespace VaeCluster.Collectives.Tests;

public sealed class SlotCheckTests
{
    [Fact]
    public void Of_AnyPlan_IsASlotThatItsContributorHasAlone_AndThoseAfterIt()
    {
        IReadOnlyList<SlotRange> members = [new(0, 3), new(3, 4), new(4, 8), default];

        Assert.Equal([0, 0, 2, 3, 4, 4, 6, 6, 0], Enumerable.Range(0, 9).Select(n => SlotCheck.Of(n, 8, members)!.Slot));
        Assert.Equal([0, 1, 2], SlotCheck.Of(1, 8, members)!.Ranks);
        Assert.Equal([1, 2, 0], SlotCheck.Of(3, 8, members)!.Ranks);
        Assert.Equal([2, 0, 1], SlotCheck.Of(7, 8, members)!.Ranks);
    }

    [Fact]
    public void Of_FewMembers_TakesThoseThereAre()
    {
        Assert.Null(SlotCheck.Of(3, 8, [new(0, 8), default]));
        Assert.Equal([1, 0], SlotCheck.Of(6, 8, [new(0, 4), new(4, 8)])!.Ranks);
        Assert.Equal([3, 4, 0], SlotCheck.Of(3, 5, [new(0, 1), new(1, 2), new(2, 3), new(3, 4), new(4, 5)])!.Ranks);
        Assert.Empty(SlotCheck.RanksOf(8, [new(0, 8)]));
    }
}
