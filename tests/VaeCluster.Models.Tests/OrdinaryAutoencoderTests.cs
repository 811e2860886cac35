using VaeCluster.Models.Objectives;
using static TorchSharp.torch;

namespace VaeCluster.Models.Tests;

[Collection(OneThread.Name)]
public class OrdinaryAutoencoderTests
{
    [Theory]
    [InlineData("mnist", 28)]
    [InlineData("conv64", 32)]
    [InlineData("sd-small", 16)]
    [InlineData("tiny", 16)]
    public void Evaluate_NotVariational_HasNoKlAndEveryParameterAGradient(string preset, int size)
    {
        using var scope = NewDisposeScope();
        var options = ModelOptions.Of(preset);
        (options.ImageSize, options.Variational) = (size, false);
        using var model = ImageAutoencoder.Create(options);

        var terms = new Objective(model, new()).Evaluate(rand(model.InputShape.Batch(2)), noise: null, beta: 1);
        terms.Total.backward();

        var sums = terms.Read();
        Assert.Equal(0, sums.Kl);
        Assert.Equal(sums.Recon, sums.Total);
        Assert.All(model.named_parameters(), entry => Assert.False(entry.parameter.grad is null, entry.name));
    }

    [Fact]
    public void Create_NotVariational_HasNoParametersForAVariance()
    {
        using var variational = ImageAutoencoder.Create(ModelOptions.Of("mnist"));
        var options = ModelOptions.Of("mnist");
        options.Variational = false;
        using var ordinary = ImageAutoencoder.Create(options);

        // Half of the encoder's last layer: 32 * 4 * 4 weights and a bias for each of 32 latents.
        Assert.Equal(variational.ParameterCount - 32 * (32 * 16 + 1), ordinary.ParameterCount);
    }
}
