using System.Runtime.CompilerServices;

[assembly: DisableRuntimeMarshalling]
[assembly: InternalsVisibleTo("VaeCluster.Torch.Tests")]
[assembly: InternalsVisibleTo("Benchmarks")]
