using static TorchSharp.torch;

namespace VaeCluster.Torch.Tests.Layers;

/// <summary>Equal but for rounding in fp32: the norm of the difference over the norm.</summary>
internal static class Close
{
    public static void Assert(Tensor expected, Tensor actual, string what)
    {
        var difference = (expected - actual).norm().item<float>() / expected.norm().item<float>();
        Xunit.Assert.True(difference < 1e-6, $"{what}: relative difference {difference}");
    }
}
