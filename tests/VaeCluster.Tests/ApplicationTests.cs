using System.Diagnostics;

namespace VaeCluster.Tests;

/// <summary>What people do with a trained run, as they type it.</summary>
public sealed class ApplicationTests(TrainedRun trained) : IClassFixture<TrainedRun>
{
    [Fact]
    public void Encode_KilledAndGoneOnByWorkers_WritesTheSameBytes()
    {
        Command("encode", trained.Run, trained.Images, "--out", trained.In("whole.safetensors"), "--batch", "2", "--threads", "1").AssertSuccess();
        string[] command = ["encode", trained.Run, trained.Images, "--out", trained.In("killed.safetensors"), "--batch", "2", "--threads", "1"];
        var parts = trained.In("killed.safetensors.parts");
        using (var process = RunSandbox.Launch(command))
        {
            var deadline = Stopwatch.StartNew();
            while (!process.HasExited && (!Directory.Exists(parts) || Directory.GetFiles(parts, "part-*.safetensors").Length == 0))
            {
                Assert.True(deadline.Elapsed < TimeSpan.FromMinutes(1), "no part came within a minute");
                Thread.Sleep(1);
            }
            process.Kill();
            process.WaitForExit();
        }
        // Too late to break it off on a fast machine: then there is nothing to go on with.
        if (!File.Exists(trained.In("killed.safetensors"))) Command([.. command, "--workers", "2"]).AssertSuccess();

        Assert.Equal(File.ReadAllBytes(trained.In("whole.safetensors")), File.ReadAllBytes(trained.In("killed.safetensors")));
        Assert.Equal(File.ReadAllText(trained.In("whole.index.csv")), File.ReadAllText(trained.In("killed.index.csv")));
        Assert.False(Directory.Exists(parts));

        var decoded = Command("decode", trained.In("whole.safetensors"), "--out", trained.In("decoded")).AssertSuccess();
        Assert.Contains("64 pictures", decoded.Output, StringComparison.Ordinal);
        Command("reconstruct", trained.Run, trained.Images, "--batch", "2", "--out", trained.In("reconstructed")).AssertSuccess();
        var pictures = Pictures(trained.In("decoded"));
        Assert.Equal(64, pictures.Count);
        Assert.Equal(pictures, Pictures(trained.In("reconstructed/reconstructions")));
        Command("decode", trained.In("whole.safetensors"), "--out", trained.In("decoded")).AssertUserError("is there already");
    }

    [Fact]
    public void Score_ARun_TakesItsOwnValidationImagesForTheThreshold()
    {
        var run = Command("score", trained.Run, trained.Images, "--limit", "20", "--samples", "2", "--quantile", "0.5", "--out", trained.In("scores")).AssertSuccess();
        Assert.Contains("the 0.5 quantile of shapes:?count=64&size=28 (validation)", run.Output, StringComparison.Ordinal);
        Assert.Equal(21, File.ReadAllLines(trained.In("scores/scores.csv")).Length);
        Command("score", trained.Run, trained.Images, "--out", trained.In("labels"), "--anomalies", "3", "--limit", "4").AssertUserError("has no label");
        Command("score", trained.Run, trained.Images, "--out", trained.In("labels"), "--quantile", "2", "--samples", "0").AssertUserError("--quantile 2", "--samples 0");
        Assert.False(Path.Exists(trained.In("labels")));
    }

    [Fact]
    public void Map_ARun_HasItsLossCurves()
    {
        Command("map", trained.Run, trained.Images, "--grid", "3", "--out", trained.In("map.html")).AssertSuccess();
        Assert.Contains("Losses per image", File.ReadAllText(trained.In("map.html")), StringComparison.Ordinal);
        Command("map", trained.Run, trained.Images, "--out", trained.In("map.html")).AssertUserError("is there already");
        Command("map", trained.Run, trained.In("nowhere"), "--out", trained.In("other.html")).AssertUserError("nowhere");
        Assert.False(Path.Exists(trained.In("other.html")));
    }

    [Fact]
    public void Augment_Shapes_SaysHowFarTheVariationsAre()
    {
        var run = Command("augment", trained.Run, trained.Images, "--limit", "4", "--per-image", "3", "--out", trained.In("more")).AssertSuccess();
        Assert.Matches(@"12 variations, [0-9.]+ dB from their originals", run.Output);
        Command("augment", trained.Run, trained.Images, "--per-image", "0", "--out", trained.In("none")).AssertUserError("--per-image 0");
        Assert.DoesNotContain(Directory.EnumerateFileSystemEntries(trained.Root), path => Path.GetFileName(path).StartsWith("none", StringComparison.Ordinal));
    }

    private static List<(string Name, string Content)> Pictures(string folder) => [.. Directory.GetFiles(folder, "*.png", SearchOption.AllDirectories)
        .Select(path => (Path.GetRelativePath(folder, path), Convert.ToBase64String(File.ReadAllBytes(path)))).Order()];

    private static ProgramRun Command(params string[] args) => RunSandbox.Start(args);
}
