namespace VaeCluster.Checkpoints;

/// <summary>How long to wait before a storage that failed is tried again: doubling from the first to the longest.</summary>
public sealed record RetryDelays(TimeSpan First, TimeSpan Longest)
{
    public static RetryDelays Default { get; } = new(TimeSpan.FromSeconds(1), TimeSpan.FromMinutes(1));

    /// <param name="attempt">Attempts that failed in a row, from 1 on.</param>
    public TimeSpan After(int attempt)
    {
        var delay = First * Math.Pow(2, Math.Min(attempt - 1, 30));
        return delay < Longest ? delay : Longest;
    }
}
