namespace VaeCluster.Applications.Tests;

/// <summary>What was reported, at once and in order.</summary>
internal sealed class Reports(List<long> values) : IProgress<long>
{
    public void Report(long value) => values.Add(value);
}
