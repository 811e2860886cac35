using static TorchSharp.torch;

namespace VaeCluster.Models.Tests;

/// <summary>That decoding in tiles is the same function, whatever the tiles, in a fraction of the memory.</summary>
[Collection(OneThread.Name)]
public sealed class TiledDecodingTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("vaecluster-tiles-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [InlineData("sd", 8, 4)]
    [InlineData("sd-small", 8, 6)]
    public void DecodeTiled_TilesOfAFewRows_EqualsDecode(string preset, long height, long width)
    {
        using var scope = NewDisposeScope();
        using var guard = no_grad();
        using var model = Model(new() { Preset = preset, ImageSize = 64, Channels = 3, Latent = 4, Widths = [8, 16, 16], LayersPerBlock = 1, Groups = 4, Heads = 2, SkipScale = preset != "sd" });
        var latent = randn(1, 4, height, width) * 2;

        var whole = model.Decode(latent);
        var tiled = model.DecodeTiled(latent, _folder, tileBytes: 1);

        Assert.Equal(whole.shape, tiled.shape);
        var difference = (whole - tiled).abs().max().item<float>();
        Assert.True(difference < 2e-5, $"{difference}");
        Assert.Empty(Directory.EnumerateFiles(_folder));
    }

    [Fact]
    public void DecodeTiled_A1024PixelImage_TakesAQuarterOfTheMemory()
    {
        using var scope = NewDisposeScope();
        using var guard = no_grad();
        using var model = Model(new() { Preset = "sd", ImageSize = 1024, Channels = 3, Latent = 4, Widths = [16, 32, 32, 32, 32], LayersPerBlock = 1, Groups = 8 });
        var latent = randn(1, 4, 64, 64);

        var (tiled, tiledPeak) = Memory.PeakOf(() => model.DecodeTiled(latent, _folder));
        var (whole, wholePeak) = Memory.PeakOf(() => model.Decode(latent));

        Assert.Equal([1, 3, 1024, 1024], tiled.shape);
        var difference = (whole - tiled).abs().max().item<float>();
        Assert.True(difference < 1e-3, $"{difference}");
        Assert.True(4 * tiledPeak <= wholePeak, $"{tiledPeak >> 20} MiB against {wholePeak >> 20} MiB");
    }

    [Fact]
    public void DecodeTiled_ModelOfOneSize_IsRefused()
    {
        using var model = ImageAutoencoder.Create(ModelOptions.Of("mnist"));
        model.eval();
        using var latent = zeros(1, 32, 1, 1);
        Assert.False(model.TakesAnySize);
        Assert.Throws<NotSupportedException>(() => model.DecodeTiled(latent, _folder));
    }

    // Not the first weights, whose norms would hide a wrong factor or summand.
    private static ImageAutoencoder Model(ModelOptions options)
    {
        random.manual_seed(5);
        var model = ImageAutoencoder.Create(options);
        foreach (var parameter in model.parameters().Where(parameter => parameter.shape.Length == 1)) parameter.add_(randn_like(parameter) * 0.3);
        model.eval();
        return model;
    }
}
