using System.Text.Json.Nodes;
using VaeCluster.Config.Runs;
using VaeCluster.Data.Images;

namespace VaeCluster.Config.Tests.Runs;

/// <summary>What the log writes, as a reader of our own in Python finds it, which checks every checksum.</summary>
public sealed class TensorBoardLogTests : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("vaecluster-events-").FullName;

    public void Dispose() => Directory.Delete(folder, recursive: true);

    [Fact]
    public void Scalars_OfSeveralSteps_AreReadBack()
    {
        var before = DateTimeOffset.UtcNow.ToUnixTimeMilliseconds() / 1000.0;
        using (var log = TensorBoardLog.Open(folder, 0))
        {
            log.Scalars(1, ("train/loss", 512.25), ("train/kl", 3));
            log.Scalars(300, ("train/loss", double.NaN), ("validation/loss", 1e-3));
        }

        var events = Read();
        Assert.Equal(3, events.Count);
        Assert.Equal("brain.Event:2", (string?)events[0]["file_version"]);
        Assert.Equal((1, 512.25, 3.0), ((int)events[1]["step"]!, (double)events[1]["scalars"]!["train/loss"]!, (double)events[1]["scalars"]!["train/kl"]!));
        Assert.Equal((300, 1e-3f), ((int)events[2]["step"]!, (float)events[2]["scalars"]!["validation/loss"]!));
        Assert.Equal("NaN", (string?)events[2]["scalars"]!["train/loss"]);
        Assert.All(events, one => Assert.InRange((double)one["wall_time"]!, before, before + 600));
    }

    [Fact]
    public void Scalars_BeforeTheLogIsClosed_AreOnDisk()
    {
        using var log = TensorBoardLog.Open(folder, 0);
        log.Scalars(1, ("loss", 1));
        Assert.Equal(2, Read().Count);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    public void Image_OfAPng_HasItsSizeAndBytes(int channels)
    {
        var png = Path.Combine(folder, "grid.png");
        ImageWriter.WritePng(png, 300, 20, channels, new byte[300 * 20 * channels]);
        using (var log = TensorBoardLog.Open(folder, 0)) log.Image(7, "pictures/samples", png);

        var image = Read()[1]["images"]!["pictures/samples"]!.AsArray();
        Assert.Equal([20, 300, channels, (int)new FileInfo(png).Length], image.Take(4).Select(value => (int)value!));
        Assert.Equal("89504e47", (string?)image[4]);
    }

    [Fact]
    public void Image_OfSomethingElse_IsRefused()
    {
        var path = Path.Combine(folder, "grid.png");
        File.WriteAllText(path, new string('x', 100));
        using var log = TensorBoardLog.Open(folder, 0);
        Assert.Throws<InvalidDataException>(() => log.Image(7, "pictures/samples", path));
        Assert.Single(Read());
    }

    [Fact]
    public void Open_Again_PurgesWhatIsDoneAgainInALaterFile()
    {
        for (var start = 0; start < 3; start++)
        {
            using var log = TensorBoardLog.Open(folder, 10 * start);
            log.Scalars(10 * start + 1, ("loss", start));
        }

        // By name, as readers take them, also within one second.
        Assert.Equal(3, EventFiles.In(folder).Count);
        var events = Read();
        Assert.Equal(["file 0", "1", "file 0", "session 11", "11", "file 0", "session 21", "21"], events.Select(one =>
            one.ContainsKey("file_version") ? $"file {one["step"]}" : one.ContainsKey("session") ? $"session {one["step"]}" : $"{one["step"]}"));
        Assert.Equal(1, (int)events[3]["session"]!["1"]!); // START
    }

    private List<JsonObject> Read() => EventFiles.Read(folder);
}
