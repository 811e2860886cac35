namespace VaeCluster.Collectives;

/// <summary>
/// How a bucket is cut among the contributors: a pure function of its length and their number. Cut in whole units of 16
/// floats, so that chunks begin on cache lines; as even as that allows; with more contributors than units some are empty.
/// </summary>
public static class ChunkPlan
{
    /// <summary>The chunk that a contributor owns, in floats from the beginning of the bucket.</summary>
    /// <param name="length">Of the bucket, in floats.</param>
    /// <param name="contributors">How many there are.</param>
    /// <param name="index">The owner's index among them.</param>
    public static (int Start, int Length) Chunk(int length, int contributors, int index)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(length);
        ArgumentOutOfRangeException.ThrowIfLessThan(contributors, 1);
        ArgumentOutOfRangeException.ThrowIfNegative(index);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(index, contributors);
        var units = ((long)length + ExchangeLayout.Unit - 1) / ExchangeLayout.Unit;
        var start = Cut(index);
        return (start, Cut(index + 1) - start);

        int Cut(int at) => (int)Math.Min(length, units * at / contributors * ExchangeLayout.Unit);
    }
}
