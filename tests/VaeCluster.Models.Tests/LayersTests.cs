using static TorchSharp.torch;

namespace VaeCluster.Models.Tests;

[Collection(OneThread.Name)]
public class LayersTests
{
    [Theory]
    [InlineData("mnist", 7)]
    [InlineData("conv64", 13)]
    [InlineData("tiny", 14)]
    public void Layers_OfPreset_AreGivenWhatTheOneBeforeMakes(string preset, int count)
    {
        using var model = ImageAutoencoder.Create(ModelOptions.Of(preset));
        using var images = rand(model.InputShape.Batch(2));
        var names = model.named_modules().ToDictionary(part => part.name, part => part.module);

        var layers = model.Layers(images, noise: randn(model.LatentShape.Batch(2)));

        Assert.Equal(count, layers.Count);
        Assert.Equal(layers.Count, layers.Select(layer => layer.Name).Distinct().Count());
        Assert.All(layers, layer =>
        {
            Assert.Same(names[layer.Name], layer.Module);
            using var output = layer.Module.forward(layer.Input);
            Assert.Equal(layer.Output.Batch(2), output.shape);
        });
        layers.ToList().ForEach(layer => layer.Input.Dispose());
    }

    /// <summary>Its blocks stand one behind the other, and nothing between them.</summary>
    [Fact]
    public void Layers_OfDigits_HaveAllFlopsAndTheBitsOfThePass()
    {
        using var model = ImageAutoencoder.Create(ModelOptions.Of("mnist"));
        using var images = rand(model.InputShape.Batch(3));

        var layers = model.Layers(images, noise: null);

        Assert.Equal(model.ForwardFlops, layers.Sum(layer => layer.ForwardFlops));
        Assert.Equal(["encoder.stages.0", "encoder.stages.1", "encoder.head"], layers.Take(3).Select(layer => layer.Name));
        Assert.False(layers[0].Input.requires_grad);
        Assert.All(layers.Skip(1), layer => Assert.True(layer.Input.requires_grad));
        using var second = layers[0].Module.forward(layers[0].Input);
        Assert.True(second.contiguous().bytes.SequenceEqual(layers[1].Input.contiguous().bytes));
        layers.ToList().ForEach(layer => layer.Input.Dispose());
    }
}
