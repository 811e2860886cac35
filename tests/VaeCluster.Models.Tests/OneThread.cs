using VaeCluster.Torch;

namespace VaeCluster.Models.Tests;

/// <summary>Tests that compute: one after the other, libtorch with one thread.</summary>
[CollectionDefinition(Name)]
public sealed class OneThread : ICollectionFixture<OneThread>
{
    public const string Name = "One thread";

    public OneThread() => TorchRuntime.Start(threads: 1);
}
