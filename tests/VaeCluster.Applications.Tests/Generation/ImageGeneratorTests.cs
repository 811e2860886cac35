using System.Text;
using TorchSharp;
using VaeCluster.Applications.Generation;

namespace VaeCluster.Applications.Tests.Generation;

public sealed class ImageGeneratorTests(TinyModel models) : IClassFixture<TinyModel>
{
    [Fact]
    public void Samples_SeedAlone_DecidesWhatIsDrawn()
    {
        Generate("a", seed: 1, batch: 4, generator => generator.Samples(6, 1, new Nowhere(), Stop));
        Generate("b", seed: 1, batch: 4, generator => generator.Samples(9, 1, new Nowhere(), Stop));
        Generate("c", seed: 2, batch: 4, generator => generator.Samples(6, 1, new Nowhere(), Stop));
        Assert.Equal(Bytes("a/samples/000004.png"), Bytes("b/samples/000004.png"));
        Assert.NotEqual(Bytes("a/samples/000004.png"), Bytes("c/samples/000004.png"));
        Assert.NotEqual(Bytes("a/samples/000004.png"), Bytes("a/samples/000005.png"));
        Assert.True(File.Exists(models.In("b/grid.png")));
        Assert.Equal(9, Directory.GetFiles(models.In("b/samples")).Length);
    }

    [Fact]
    public void Variations_WithoutTemperature_AreTheMean()
    {
        using var model = TinyModel.Open(models.Digits);
        using var image = model.Images([models.Image("x.png", seed: 3)]);
        Generate("cold", 1, 4, generator => generator.Variations(image, 2, 0, new Nowhere(), Stop));
        Assert.Equal(Bytes("cold/variations/000001.png"), Bytes("cold/variations/000002.png"));
        Generate("warm", 1, 4, generator => generator.Variations(image, 2, 1, new Nowhere(), Stop));
        Assert.NotEqual(Bytes("warm/variations/000001.png"), Bytes("warm/variations/000002.png"));
    }

    [Fact]
    public void Interpolation_AndTraversal_WriteSheetsAndAnimations()
    {
        using var model = TinyModel.Open(models.Colour);
        using var images = model.Images([models.Image("a.png", 16, 16, 3, 1), models.Image("b.png", 16, 16, 3, 2)]);
        Generate("between", 1, 8, generator => generator.Interpolation(images, 3, new Nowhere(), Stop), models.Colour);
        // Thirty frames there, the inner ones back: as APNG has them.
        var animation = Encoding.Latin1.GetString(Bytes("between/spherical.png"));
        Assert.Equal(58, animation.Split("fcTL").Length - 1);
        Assert.Equal(1, animation.Split("IDAT").Length - 1);
        Assert.True(File.Exists(models.In("between/interpolation.png")));
        Generate("walks", 1, 8, generator => generator.Traversal(images, 2, 3, new Nowhere(), Stop), models.Colour);
        Assert.True(File.Exists(models.In("walks/traversal.png")));
        Assert.Throws<UserErrorException>(() => Generate("one", 1, 8, generator => generator.Variations(images, 3, 1, new Nowhere(), Stop), models.Colour));
    }

    [Fact]
    public void Spherical_OfOrthogonalLatents_KeepsTheirLength()
    {
        using var scope = torch.NewDisposeScope();
        var (a, b) = (torch.zeros(1, 2, 1, 1), torch.zeros(1, 2, 1, 1));
        a.narrow(1, 0, 1).fill_(2);
        b.narrow(1, 1, 1).fill_(2);
        var middle = LatentPaths.Spherical(a, b, 0.5);
        Assert.Equal(Math.Sqrt(2), middle.narrow(1, 0, 1).item<float>(), 1e-5);
        Assert.Equal(4, middle.square().sum().item<float>(), 1e-5);
        Assert.Equal(2, LatentPaths.Linear(a, b, 0.5).square().sum().item<float>(), 1e-5);
        Assert.Equal(0, (LatentPaths.Spherical(a, b, 1) - b).abs().max().item<float>(), 1e-6);
        Assert.Equal(0, (LatentPaths.Spherical(a, a, 0.3) - a).abs().max().item<float>(), 1e-6);
    }

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    private byte[] Bytes(string name) => File.ReadAllBytes(models.In(name));

    private void Generate(string name, long seed, int batch, Action<ImageGenerator> generate, string? file = null)
    {
        using var model = TinyModel.Open(file ?? models.Digits);
        using var folder = OutputFolder.Create(models.In(name));
        generate(new ImageGenerator(model, folder, batch, seed));
        folder.Complete();
    }
}
