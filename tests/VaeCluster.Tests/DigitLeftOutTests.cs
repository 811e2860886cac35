using VaeCluster.Data.Tests;

namespace VaeCluster.Tests;

/// <summary>That a model finds what it was not trained on; all ten digits are a benchmark.</summary>
public sealed class DigitLeftOutTests : IDisposable
{
    private readonly RunSandbox _sandbox = new();

    public void Dispose() => _sandbox.Dispose();

    [Fact]
    public void Score_ADigitThatTrainingNeverSaw_IsFound()
    {
        // By chance: 0.5, with a deviation of 0.04 for some 50 twos among 500 images.
        var areas = DigitLeftOut.Measure(TestData.Mnist, _sandbox.Root, digit: 2, training: 12_000, epochs: 1, scored: 500, draws: 4);
        Assert.True(areas["likelihood"] >= 0.70 && areas["recon"] >= 0.65, string.Join(", ", areas));
    }
}
