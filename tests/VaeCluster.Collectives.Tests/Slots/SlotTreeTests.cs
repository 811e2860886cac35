namespace VaeCluster.Collectives.Tests;

public sealed class SlotTreeTests
{
    [Theory]
    [InlineData(0, 8, 4)]
    [InlineData(0, 5, 4)]
    [InlineData(4, 7, 6)]
    [InlineData(2, 4, 3)]
    public void Split_AnyNode_IsAtTheLargestPowerOfTwoBelowItsSize(int start, int end, int middle)
    {
        var (left, right) = SlotTree.Split(new SlotRange(start, end));

        Assert.Equal(new SlotRange(start, middle), left);
        Assert.Equal(new SlotRange(middle, end), right);
    }

    [Fact]
    public void Cover_AlignedRange_IsOneSubtree()
    {
        Assert.Equal([new SlotRange(4, 8)], SlotTree.Cover(16, new SlotRange(4, 8)));
        Assert.Equal([new SlotRange(4, 7)], SlotTree.Cover(7, new SlotRange(4, 7)));
    }

    [Fact]
    public void Cover_AnyRange_IsItsSlotsInOrderAndFew()
    {
        for (var slots = 1; slots <= 33; slots++)
            for (var start = 0; start < slots; start++)
                for (var end = start + 1; end <= slots; end++)
                {
                    var cover = SlotTree.Cover(slots, new SlotRange(start, end));

                    Assert.Equal(start, cover[0].Start);
                    Assert.Equal(end, cover[^1].End);
                    Assert.All(cover.Zip(cover.Skip(1)), pair => Assert.Equal(pair.First.End, pair.Second.Start));
                    Assert.True(cover.Count <= 2 * Math.Ceiling(Math.Log2(slots + 1)), $"{cover.Count} subtrees for [{start}, {end}) of {slots}");
                }
    }

    [Fact]
    public void Evaluate_GroupedByAnyPlan_GivesTheSameSumToTheBit()
    {
        var random = new Random(5);
        for (var slots = 1; slots <= 17; slots++)
        {
            var values = Enumerable.Range(0, slots).Select(_ => (float)(random.NextDouble() * Math.Pow(10, random.Next(-6, 6)))).ToArray();
            var empty = values.Select((_, slot) => slots > 3 && slot % 5 == 2).ToArray();
            var whole = Sum(SlotTree.Root(slots));

            for (var cut = 1; cut < slots; cut++)
            {
                var parts = SlotTree.Cover(slots, new(0, cut)).Concat(SlotTree.Cover(slots, new(cut, slots)))
                    .ToDictionary(node => node, Sum);
                Assert.Equal(whole, Join(SlotTree.Root(slots), parts));
            }

            float? Sum(SlotRange node)
            {
                float current = 0;
                var kept = new Stack<float>();
                return SlotTree.Evaluate(node, slot => empty[slot], slot => current = values[slot],
                    _ => kept.Push(current), _ => current = kept.Pop() + current) ? current : null;
            }

            static float? Join(SlotRange node, Dictionary<SlotRange, float?> parts)
            {
                if (parts.TryGetValue(node, out var part)) return part;
                var (left, right) = SlotTree.Split(node);
                return (Join(left, parts), Join(right, parts)) switch
                {
                    (null, var only) => only,
                    (var only, null) => only,
                    var (a, b) => a + b,
                };
            }
        }
    }

    [Fact]
    public void Evaluate_DepthOfKeptSums_IsAtMostTheLogarithm()
    {
        int kept = 0, most = 0;
        SlotTree.Evaluate(SlotTree.Root(64), _ => false, _ => { }, _ => most = Math.Max(most, ++kept), _ => kept--);

        Assert.Equal(0, kept);
        Assert.Equal(6, most);
    }
}
