namespace VaeCluster.Collectives.Tests;

public sealed class ChunkPlanTests
{
    [Fact]
    public void Chunk_AnyLengthAndContributors_CoverTheBucketInOrderOnWholeUnits()
    {
        foreach (var length in (int[])[0, 1, 15, 16, 17, 100, 1000, 4096, 4097, int.MaxValue / 4])
            for (var contributors = 1; contributors <= 40; contributors++)
            {
                var next = 0;
                for (var index = 0; index < contributors; index++)
                {
                    var (start, count) = ChunkPlan.Chunk(length, contributors, index);
                    Assert.Equal(next, start);
                    Assert.True(count >= 0 && (start % 16 == 0 || count == 0));
                    next = start + count;
                }
                Assert.Equal(length, next);
            }
    }

    [Fact]
    public void Chunk_LongBucket_SizesDifferByOneUnitAtMost()
    {
        var sizes = Enumerable.Range(0, 7).Select(index => ChunkPlan.Chunk(1_000_000, 7, index).Length).ToList();

        Assert.InRange(sizes.Max() - sizes.Min(), 0, 16);
    }

    [Theory]
    [InlineData(100, 0, 0)]
    [InlineData(100, 3, 3)]
    [InlineData(100, 3, -1)]
    [InlineData(-1, 3, 0)]
    public void Chunk_OutOfRange_IsABug(int length, int contributors, int index) =>
        Assert.Throws<ArgumentOutOfRangeException>(() => ChunkPlan.Chunk(length, contributors, index));
}
