using System.Text.Json.Nodes;
using VaeCluster.Data.Tests;

namespace VaeCluster.Tests;

/// <summary>That training learns: MNIST, as a user would run it.</summary>
public sealed class DigitsTests : IDisposable
{
    private readonly RunSandbox _sandbox = new();

    public void Dispose() => _sandbox.Dispose();

    [Fact]
    public void Train_ThreeEpochsOfMnist_ReachesTheKnownBound()
    {
        var config = _sandbox.Write("digits.yaml", $$"""
            model: {preset: mnist}
            data: {source: "idx:{{TestData.Mnist}}"}
            train: {batch: 128, slots: 1, epochs: 3, validate_epochs: 3}
            optimizer: {name: adam, lr: 1e-3}
            """);

        _sandbox.Train(config).AssertSuccess();

        var validation = JsonNode.Parse(ProgramRun.Of("inspect", _sandbox.Run, "--json").AssertSuccess().Output)!["validation"]!;
        Assert.Equal(10_000, (int)validation["samples"]!);
        // -ELBO on the test images, soft targets, in nats; about 106.3 is what the architecture gives after three epochs.
        var bound = (double)validation["recon"]! + (double)validation["kl"]!;
        Assert.True(bound <= 107, $"-ELBO {bound:F2}");
    }
}
