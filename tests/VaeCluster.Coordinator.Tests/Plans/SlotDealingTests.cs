using System.Collections.Immutable;
using VaeCluster.Collectives;
using VaeCluster.Coordinator.Plans;

namespace VaeCluster.Coordinator.Tests.Plans;

public sealed class SlotDealingTests
{
    [Theory]
    [InlineData(8, 1, "[0, 8)")]
    [InlineData(8, 2, "[0, 4) [4, 8)")]
    [InlineData(8, 4, "[0, 2) [2, 4) [4, 6) [6, 8)")]
    [InlineData(2, 3, "[0, 1) [1, 2) [0, 0)")]
    public void Deal_EqualWorkers_AlignsWithTheTree(int slots, int workers, string expected) =>
        Assert.Equal(expected, string.Join(' ', Deal(slots, Enumerable.Repeat<double?>(0.1, workers))));

    [Fact]
    public void Deal_ThreeForEight_TakesTheFewestSubtreesOfTheShortestStep()
    {
        var ranges = Deal(8, [0.1, 0.1, 0.1]);

        Assert.Equal(3, ranges.Max(range => range.Count));
        Assert.Equal(5, ranges.Sum(range => SlotTree.Cover(8, range).Count));
    }

    [Fact]
    public void Deal_FourTimesSlower_GetsItsShare() => Assert.Equal([13, 3], Deal(16, [0.1, 0.4]).Select(range => range.Count));

    [Fact]
    public void Deal_HopelesslySlow_IsLeftOut() => Assert.Equal([4, 0], Deal(4, [0.1, 10]).Select(range => range.Count));

    [Fact]
    public void Deal_NeverMeasured_CountsAsTheMedian() => Assert.Equal([4, 4], Deal(8, [0.3, null]).Select(range => range.Count));

    [Fact]
    public void Deal_LimitedWorkers_StayWithinTheirLimits()
    {
        Assert.Equal([2, 6], SlotDealing.Deal(8, [0.1, 0.1], [2, 0])!.Value.Select(range => range.Count));
        Assert.Null(SlotDealing.Deal(8, [0.1, 0.1], [2, 5]));
        Assert.Null(SlotDealing.Deal(8, [], []));
    }

    [Fact]
    public void Deal_AnyWorkers_PartitionsTheSlotsInTheShortestStep()
    {
        var random = new Random(3);
        for (var round = 0; round < 300; round++)
        {
            var slots = random.Next(1, 13);
            var seconds = Enumerable.Range(0, random.Next(1, 5)).Select(_ => (double?)random.Next(1, 9)).ToArray();

            var ranges = Deal(slots, seconds).Where(range => !range.IsEmpty).ToList();

            Assert.Equal(0, ranges[0].Start);
            Assert.Equal(slots, ranges[^1].End);
            Assert.All(ranges.Zip(ranges.Skip(1)), pair => Assert.Equal(pair.First.End, pair.Second.Start));
            var dealt = Deal(slots, seconds);
            Assert.Equal(Shortest(slots, seconds, 0), dealt.Select((range, worker) => range.Count * seconds[worker]!.Value).Max(), 1e-9);
        }
    }

    [Fact]
    public void Deal_AThousandWorkers_IsDealtWithoutAligningForever()
    {
        var ranges = Deal(1024, Enumerable.Range(0, 1000).Select(worker => (double?)(1 + worker % 7)));

        Assert.Equal(1024, ranges.Sum(range => range.Count));
    }

    private static ImmutableArray<SlotRange> Deal(int slots, IEnumerable<double?> seconds)
    {
        var list = seconds.ToArray();
        return SlotDealing.Deal(slots, list, new int[list.Length])!.Value;
    }

    private static double Shortest(int slots, double?[] seconds, int worker) => worker == seconds.Length - 1
        ? slots * seconds[worker]!.Value
        : Enumerable.Range(0, slots + 1).Min(count => Math.Max(count * seconds[worker]!.Value, Shortest(slots - count, seconds, worker + 1)));
}
