using VaeCluster.Applications.Augmenting;

namespace VaeCluster.Applications.Tests.Augmenting;

public sealed class AugmentationTests(TinyModel models) : IClassFixture<TinyModel>
{
    [Fact]
    public void Run_LabelledImages_KeepsTheFoldersWhateverTheBatch()
    {
        var reports = new List<AugmentationReport>();
        foreach (var batch in (int[])[2, 16])
            reports.Add(Run($"kept-{batch}", new(PerImage: 2, Temperature: 1, Originals: true, Seed: 3), batch));

        string[] expected = ["a/0-1.png", "a/0-2.png", "a/0.png", "a/1-1.png", "a/1-2.png", "a/1.png", "b/0-1.png", "b/0-2.png", "b/0.png", "b/1-1.png", "b/1-2.png", "b/1.png", "variations.csv"];
        Assert.Equal(expected, Files("kept-2"));
        Assert.Equal(expected, Files("kept-16"));
        Assert.Equal(8, reports[0].Variations);
        Assert.Equal(reports[0].LatentDistance, reports[1].LatentDistance, 4);
        Assert.NotEqual(File.ReadAllBytes(models.In("kept-2/a/0-1.png")), File.ReadAllBytes(models.In("kept-2/a/0-2.png")));
        Assert.Equal(9, File.ReadAllLines(models.In("kept-2/variations.csv")).Length);
    }

    [Fact]
    public void Run_LowerTemperature_IsNearer()
    {
        var cold = Run("cold", new(PerImage: 2, Temperature: 0, Originals: false, Seed: 3), 4);
        var warm = Run("warm", new(PerImage: 2, Temperature: 1, Originals: false, Seed: 3), 4);
        Assert.Equal(0, cold.LatentDistance);
        Assert.True(warm.LatentDistance > 1);
        Assert.Equal(File.ReadAllBytes(models.In("cold/a/0-1.png")), File.ReadAllBytes(models.In("cold/a/0-2.png")));
    }

    private AugmentationReport Run(string name, Augmentation augmentation, int batch)
    {
        foreach (var label in (string[])["a", "b"])
        {
            Directory.CreateDirectory(models.In($"labelled/{label}"));
            for (var i = 0; i < 2; i++) models.Image($"labelled/{label}/{i}.png", seed: i + label[0]);
        }
        using var model = TinyModel.Open(models.Digits);
        using var images = model.Images([models.In("labelled")]);
        using var output = OutputFolder.Create(models.In(name));
        var report = augmentation.Run(model, images, output, batch, new Nowhere(), TestContext.Current.CancellationToken);
        output.Complete();
        return report;
    }

    private IEnumerable<string> Files(string name) => Directory.GetFiles(models.In(name), "*", SearchOption.AllDirectories)
        .Select(path => Path.GetRelativePath(models.In(name), path)).Order(StringComparer.Ordinal);
}
