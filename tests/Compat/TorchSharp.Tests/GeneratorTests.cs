using static TorchSharp.torch;

namespace TorchSharp.Tests;

/// <summary>The expected numbers are PyTorch 1.13's on the CPU for the same seeds.</summary>
public sealed class GeneratorTests
{
    [Fact]
    public void ManualSeed_GivesPyTorchsNumbers()
    {
        manual_seed(7);
        Values.AssertEqual([-0.1467950940132141f, 0.7861412763595581f, 0.9468216300010681f, -1.1143440008163452f], randn(4));
        Values.AssertEqual([0.36531615257263184f, 0.8512683510780334f], rand(2));
        Values.AssertEqual([58, 31, 8, 17], randint(0, 100, [4L]));
        Values.AssertEqual([2, 3, 0, 1, 4], randperm(5));
    }

    [Fact]
    public void AGeneratorOfItsOwn_LeavesTheDefaultOneAlone()
    {
        manual_seed(7);
        using var generator = new Generator(11);
        Values.AssertEqual([0.7376294732093811f, 1.9459291696548462f, -0.6995416283607483f], randn(3, generator: generator));
        Values.AssertEqual([-0.1467950940132141f], randn(4)[..1]);
        Assert.Equal(11, generator.initial_seed());
    }

    [Fact]
    public void State_SetAgain_RepeatsTheNumbers()
    {
        using var generator = new Generator(3);
        randn(5, generator: generator);
        using var state = generator.get_state();
        var first = rand(8, generator: generator);
        generator.set_state(state);
        Assert.True(first.Equals(rand(8, generator: generator)));
        Assert.False(first.Equals(rand(8, generator: generator)));
        generator.manual_seed(3);
        randn(5, generator: generator);
        Assert.True(first.Equals(rand(8, generator: generator)));
    }
}
