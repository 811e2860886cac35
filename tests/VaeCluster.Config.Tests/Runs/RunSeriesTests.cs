using System.Text.Json.Nodes;
using VaeCluster.Checkpoints.Tests.Writing;
using VaeCluster.Config.Runs;
using VaeCluster.Data.Images;

namespace VaeCluster.Config.Tests.Runs;

public sealed class RunSeriesTests : IDisposable
{
    private readonly string root = Directory.CreateTempSubdirectory("vaecluster-series-").FullName;
    private readonly RunFolder folder;

    public RunSeriesTests()
    {
        folder = RunFolder.Prepare(Path.Combine(root, "run"));
        folder.Begin(new ConfigSources { Text = "train: {steps: 9}", Name = "run.yaml" }.Load());
    }

    public void Dispose()
    {
        folder.Dispose();
        Directory.Delete(root, recursive: true);
    }

    [Fact]
    public void Add_ResumedAfterAStep_AllSeriesGoOnFromThere()
    {
        using (var series = RunSeries.Open(folder, 0, Assert.Fail)) Add(series, 1, 4);
        using (var series = RunSeries.Open(folder, 2, Assert.Fail)) Add(series, 3, 4);

        Assert.Equal([1, 2, 3, 4], folder.ReadMetrics().Select(row => row.Step));
        Assert.Equal([new ValidationRow(2, 0, 10, 12, 10, 2, 20, 5), new(4, 0, 10, 14, 12, 2, 20, 5)], folder.ReadValidations());
        var events = EventFiles.Read(folder.TensorBoardPath);
        var purged = events.FindIndex(one => one.ContainsKey("session"));
        Assert.Equal(3, (int)events[purged]["step"]!);
        Assert.Equal(4.0, (double)events[^3]["scalars"]!["train/loss"]!);
        Assert.Equal(12.0, (double)events[^2]["scalars"]!["validation/recon"]!);
        Assert.Equal((4, 8), ((int)events[^1]["step"]!, (int)events[^1]["images"]!["pictures/samples"]![1]!));
    }

    [Fact]
    public void Add_Validation_DrawsTheLossCurve()
    {
        var curve = Path.Combine(folder.Path, RunFolder.LossCurveName);
        using var series = RunSeries.Open(folder, 0, Assert.Fail);
        Add(series, 1, 1);
        Assert.False(File.Exists(curve));
        Add(series, 2, 2);
        Assert.True(File.Exists(curve));
    }

    [Fact]
    public void TakePictures_OfAnotherProcess_AreTakenOnce()
    {
        folder.WritePictures(2, pathOf => ImageWriter.WritePng(pathOf("samples"), 8, 4, 1, new byte[32]));
        using (var series = RunSeries.Open(folder, 0, Assert.Fail))
        {
            series.TakePictures(1);
            series.TakePictures(2);
            series.TakePictures(2);
        }
        var images = EventFiles.Read(folder.TensorBoardPath).Where(one => one.ContainsKey("images"));
        Assert.Equal(2, (int)Assert.Single(images)["step"]!);
    }

    [Fact]
    public void Add_DiskFull_SaysSoOnceAndAllRowsFollow()
    {
        var mounted = Directory.CreateDirectory(Path.Combine(root, "disk")).FullName;
        using var disk = SmallDisk.Mount(mounted);
        using var small = RunFolder.Prepare(Path.Combine(mounted, "run"));
        small.Begin(new ConfigSources { Text = "train: {steps: 9}", Name = "run.yaml" }.Load());
        var (told, ballast) = (new List<string>(), Path.Combine(mounted, "ballast"));
        using (var series = RunSeries.Open(small, 0, told.Add))
        {
            Add(series, 1, 1);
            SmallDisk.Fill(ballast);
            // Until what is left of the last page is used up.
            Add(series, 2, 200);
            Assert.Single(told, line => line.StartsWith("The run folder can't be written: No space left on device", StringComparison.Ordinal));
            Assert.Contains(told, line => line.Contains("pictures of step 200 left out", StringComparison.Ordinal));
            Assert.Throws<IOException>(series.Complete);
            File.Delete(ballast);
            series.Complete();
        }

        Assert.Equal(Enumerable.Range(1, 200).Select(step => (long)step), small.ReadMetrics().Select(row => row.Step));
        Assert.Equal(100, small.ReadValidations().Count);
        Assert.Equal(200, EventFiles.Read(small.TensorBoardPath).Count(one => one.ContainsKey("scalars") && ((JsonObject)one["scalars"]!).ContainsKey("train/loss")));
    }

    private static void Add(RunSeries series, int first, int last)
    {
        for (var step = first; step <= last; step++)
        {
            series.Add(new MetricsRow(step, 0, 16, step, 1, 1, 20, 1, 1e-3, 1, 100, step));
            if (step % 2 == 1) continue;
            series.Add(new ValidationRow(step, 0, 10, 10 + step, 8 + step, 2, 20, 5));
            series.WritePictures(step, pathOf => ImageWriter.WritePng(pathOf("samples"), 8, 4, 1, new byte[32]));
        }
    }
}
