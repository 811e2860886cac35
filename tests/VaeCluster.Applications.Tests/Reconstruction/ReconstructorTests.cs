using System.Text.Json.Nodes;
using VaeCluster.Applications.Reconstruction;

namespace VaeCluster.Applications.Tests.Reconstruction;

public sealed class ReconstructorTests(TinyModel models) : IClassFixture<TinyModel>
{
    [Fact]
    public void Run_AnyBatch_WritesAllOfItWorstFirstTheSameAgain()
    {
        for (var i = 1; i <= 7; i++) models.Image($"set/{(i % 2 == 0 ? "even" : "odd")}/{i}.png", seed: i);
        Reconstruct(models.In("set"), "one", 3);
        Reconstruct(models.In("set"), "two", 3);
        var files = Files("one");
        Assert.Equal(7, files.Count(name => name.StartsWith("comparisons/", StringComparison.Ordinal)));
        Assert.Equal(7, files.Count(name => name.StartsWith("reconstructions/even/", StringComparison.Ordinal) || name.StartsWith("reconstructions/odd/", StringComparison.Ordinal)));
        Assert.Equal(["best.png", "scores.csv", "scores.json", "worst.png"], files.Where(name => !name.Contains('/', StringComparison.Ordinal)));
        Assert.Equal(files, Files("two"));
        foreach (var name in files) Assert.Equal(File.ReadAllBytes(models.In($"one/{name}")), File.ReadAllBytes(models.In($"two/{name}")));

        var json = JsonNode.Parse(File.ReadAllText(models.In("one/scores.json")))!;
        var psnr = json["worst_first"]!.AsArray().Select(image => (double)image!["psnr"]!).ToList();
        Assert.Equal(psnr.Order(), psnr);
        Assert.Equal(psnr.Average(), (double)json["psnr"]!, 1e-9);
        Assert.Equal(["even", "odd"], json["worst_first"]!.AsArray().Select(image => (string)image!["label"]!).Distinct().Order());
        Assert.Equal(8, File.ReadAllLines(models.In("one/scores.csv")).Length);
    }

    [Fact]
    public void Run_BrokenImage_LeavesNothing()
    {
        models.Image("broken/a.png");
        File.WriteAllBytes(models.In("broken/b.png"), File.ReadAllBytes(models.In("broken/a.png"))[..60]);
        Assert.Contains("b.png", Assert.Throws<UserErrorException>(() => Reconstruct(models.In("broken"), "nothing", 1)).Message, StringComparison.Ordinal);
        Assert.Empty(Directory.EnumerateFileSystemEntries(models.Root, "nothing*"));
    }

    private void Reconstruct(string images, string name, int batch)
    {
        using var model = TinyModel.Open(models.Digits);
        using var inputs = model.Images([images]);
        using var folder = OutputFolder.Create(models.In(name));
        var done = new List<long>();
        Reconstructor.Run(model, inputs, folder, batch, filePerImage: true, new Reports(done), TestContext.Current.CancellationToken);
        Assert.Equal(inputs.Count, done[^1]);
        folder.Complete();
    }

    private List<string> Files(string name) => [.. Directory.EnumerateFiles(models.In(name), "*", SearchOption.AllDirectories)
        .Select(path => Path.GetRelativePath(models.In(name), path)).Order(StringComparer.Ordinal)];
}
