using VaeCluster.Config.Runs;

namespace VaeCluster.Config.Tests.Runs;

public sealed class RunFolderTests : IDisposable
{
    private readonly string _root = Directory.CreateTempSubdirectory("vaecluster-runs-").FullName;

    public void Dispose() => Directory.Delete(_root, recursive: true);

    [Fact]
    public void Prepare_AnyPath_WritesNothing()
    {
        RunFolder.Prepare(In("new/run")).Dispose();
        Assert.Empty(Directory.EnumerateFileSystemEntries(_root));
    }

    [Fact]
    public void Prepare_FolderOfSomethingElse_IsRefused()
    {
        Directory.CreateDirectory(In("photos"));
        File.WriteAllText(In("photos/a.jpg"), "");
        var error = Assert.Throws<UserErrorException>(() => RunFolder.Prepare(In("photos")));
        Assert.Contains("is not empty and holds no run (found a.jpg)", error.Message, StringComparison.Ordinal);
        Assert.Contains("is a file", Assert.Throws<UserErrorException>(() => RunFolder.Prepare(In("photos/a.jpg"))).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("new")]
    [InlineData("deep/er/new")]
    [InlineData("there")]
    [InlineData("volume")]
    public void Begin_NewOrEmpty_HoldsTheConfiguration(string name)
    {
        Directory.CreateDirectory(In("there"));
        Directory.CreateDirectory(In("volume/lost+found"));
        var config = Load("train: {steps: 3}");
        using var folder = RunFolder.Prepare(In(name));
        Assert.False(folder.HoldsRun);

        folder.Begin(config);

        Assert.True(folder.HoldsRun);
        Assert.Equal(config.Identity, folder.ReadConfig().Identity);
        Assert.DoesNotContain(Directory.EnumerateFileSystemEntries(_root, "*", SearchOption.AllDirectories), path => path.EndsWith(".tmp", StringComparison.Ordinal));
    }

    [Fact]
    public void NewestPictures_OfManySteps_AreTheLastOfEachNameAndNoOtherFiles()
    {
        using var folder = RunFolder.Prepare(In("run"));
        Assert.Empty(folder.NewestPictures());
        Directory.CreateDirectory(In("run/pictures"));
        foreach (var name in new[] { "samples-0000020.png", "samples-0000003.png", "samples-10000000.png", "reconstructions-0000005.png", "samples-0000030.png.tmp", "<b>-0000001.png", "samples.123.tmp" })
            File.WriteAllText(In($"run/pictures/{name}"), "");
        Assert.Equal([("reconstructions", 5L, In("run/pictures/reconstructions-0000005.png")), ("samples", 10_000_000L, In("run/pictures/samples-10000000.png"))],
            folder.NewestPictures());
    }

    [Fact]
    public void ThrowIfAnother_ARunIsThere_NamesAllThatMayNotChange()
    {
        using var folder = RunFolder.Prepare(In("run"));
        folder.ThrowIfAnother(Load("train: {steps: 3}"));
        folder.Begin(Load("train: {steps: 3}"));

        folder.ThrowIfAnother(Load("train: {steps: 5}"));
        var lines = Assert.Throws<UserErrorException>(() => folder.ThrowIfAnother(Load("train: {steps: 5, seed: 8, batch: 64}"))).Message.Split('\n');

        Assert.Contains("holds a run with another configuration", lines[0], StringComparison.Ordinal);
        Assert.Equal(["  train.batch: 128 -> 64", "  train.seed: 7 -> 8"], lines[1..]);
    }

    [Fact]
    public void Begin_WhileAnotherTrains_IsRefused()
    {
        var config = Load("train: {steps: 3}");
        using (var first = RunFolder.Prepare(In("run")))
        {
            first.Begin(config);
            using var second = RunFolder.Prepare(In("run"));
            Assert.Contains("another process", Assert.Throws<UserErrorException>(() => second.Begin(config)).Message, StringComparison.Ordinal);
        }
        using var third = RunFolder.Prepare(In("run"));
        third.Begin(config);
    }

    [Fact]
    public void Begin_BelowAFile_IsRefused()
    {
        File.WriteAllText(In("file"), "");
        using var folder = RunFolder.Prepare(In("file/run"));
        Assert.Contains("can't be written", Assert.Throws<UserErrorException>(() => folder.Begin(Load("train: {steps: 3}"))).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void OpenMetrics_Again_DropsWhatWillBeDoneAgain()
    {
        using var folder = RunFolder.Prepare(In("run"));
        folder.Begin(Load("train: {steps: 3}"));
        using (var log = folder.OpenMetrics(0))
        {
            for (var step = 1; step <= 4; step++) log.Append(Row(step).Line);
        }
        var path = Path.Combine(folder.Path, RunFolder.MetricsName);
        File.AppendAllText(path, "5,1,640,0.1"); // cut by a kill

        Assert.Equal([1, 2, 3, 4], folder.ReadMetrics().Select(row => row.Step));
        using (var log = folder.OpenMetrics(afterStep: 2)) log.Append(Row(3).Line);

        Assert.Equal([Row(1), Row(2), Row(3)], folder.ReadMetrics());
        Assert.Equal(MetricsRow.Header, File.ReadLines(path).First());
    }

    [Fact]
    public void WriteSummary_NotFinite_ComesBack()
    {
        using var folder = RunFolder.Prepare(In("run"));
        folder.Begin(Load("train: {steps: 3}"));
        Assert.Null(folder.ReadSummary());
        folder.WriteSummary(new RunSummary { Step = 3, WeightsSha256 = "ab", Loss = double.NaN, Config = folder.ReadConfig().ToJson() });

        var json = File.ReadAllText(Path.Combine(folder.Path, RunFolder.SummaryName));
        Assert.Contains("\"weights_sha256\": \"ab\"", json, StringComparison.Ordinal);
        Assert.Contains("\"images_per_second_median\": null", json, StringComparison.Ordinal);
        Assert.Equal(double.NaN, folder.ReadSummary()!.Loss);
        Assert.Equal(3, (long)folder.ReadSummary()!.Config!["train"]!["steps"]!);
    }

    private static RunConfig Load(string yaml) => new ConfigSources { Text = yaml, Name = "run.yaml" }.Load();

    private static MetricsRow Row(long step) => new(step, 0, step * 128, 0.1 + step, 1.0 / 3, 1e-7, 20, 0.5, 1e-3, 1, 100.25, step);

    private string In(string name) => Path.Combine(_root, name);
}
