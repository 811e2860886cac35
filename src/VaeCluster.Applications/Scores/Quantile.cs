namespace VaeCluster.Applications.Scores;

/// <summary>Quantiles of a sample, interpolated between its values (type 7 of Hyndman and Fan 1996, as numpy has it).</summary>
public static class Quantile
{
    /// <param name="values">In any order; at least one.</param>
    /// <param name="share">0 gives the least, 1 the greatest.</param>
    public static double Of(IEnumerable<double> values, double share)
    {
        var sorted = values.Order().ToArray();
        ArgumentOutOfRangeException.ThrowIfZero(sorted.Length, nameof(values));
        ArgumentOutOfRangeException.ThrowIfNegative(share);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(share, 1);
        var place = share * (sorted.Length - 1);
        var below = (int)Math.Floor(place);
        var above = Math.Min(below + 1, sorted.Length - 1);
        return sorted[below] + (sorted[above] - sorted[below]) * (place - below);
    }
}
