namespace VaeCluster.Applications.Tests;

/// <summary>Nobody watches.</summary>
internal sealed class Nowhere : IProgress<long>
{
    public void Report(long value) { }
}
