using System.Diagnostics;
using System.Text;
using VaeCluster.Data.Images;
using VaeCluster.Data.Pipeline;
using VaeCluster.Data.Splits;

namespace VaeCluster.Data.Tests.Broken;

/// <summary>A folder in which everything is wrong that can be: no crash, no unbounded memory, each one named.</summary>
[Collection(nameof(Alone))]
public sealed class HostileFilesTests
{
    private static readonly ImageShape Shape = new(3, 16, PixelRange.ZeroToOne);

    private static CancellationToken Deadline => TestContext.Current.CancellationToken;

    [Fact]
    public void Take_HostileFolder_NamesEachBrokenFileAndGoesOn()
    {
        using var folder = new TemporaryFolder();
        var broken = Hostile(folder);
        var before = Process.GetCurrentProcess().PeakWorkingSet64;
        using var data = DataSet.Open(Options(folder), cancellation: Deadline);

        // Listing names what it left out; the two loops were not followed.
        Assert.Equal(["a loop", "dangling.png"], data.Listing!.Problems.Select(problem => Path.GetFileName(problem.Name)).Order());
        Assert.Equal(1, data.Listing.OtherFiles);

        var samples = new Data.Order.StepSamples(data.Manifest.Count(Split.Train), 4, 1, Seed: 1, Shuffle: false);
        using var pipeline = new SlotPipeline(data, new PipelineOptions(Split.Train, samples, Shape, Augment: false));
        pipeline.Aim(0, 1, 0);
        for (var step = 0L; step < samples.StepsPerEpoch; step++)
        {
            using var batch = pipeline.Take(step, 0, Deadline);
            Assert.Equal(samples.BatchOf(step), batch.Count);
        }
        var named = data.Broken.All.Select(image => Path.GetFileName(image.Name)).Order(StringComparer.Ordinal);
        Assert.Equal(broken.Order(StringComparer.Ordinal), named);
        Assert.All(data.Broken.All, image => Assert.NotEqual("", image.Reason));
        Assert.DoesNotContain(data.Broken.All, image => image.Name.Contains('\n'));
        var grown = Process.GetCurrentProcess().PeakWorkingSet64 - before;
        Assert.True(grown < 400 << 20, $"{grown >> 20} MiB more than before");
    }

    [Fact]
    public void Take_MoreBrokenThanTheLimit_StopsNamingThem()
    {
        using var folder = new TemporaryFolder();
        Hostile(folder);
        var options = Options(folder);
        options.BrokenLimit = 0.1;
        using var data = DataSet.Open(options, cancellation: Deadline);
        using var pipeline = new SlotPipeline(data, PipelineOptions.Training(data, Shape, 64, 1, seed: 1));
        var error = Assert.Throws<UserErrorException>(() => pipeline.Take(0, 0, Deadline));
        Assert.Contains("data.broken_limit", error.Message, StringComparison.Ordinal);
        Assert.Contains(".png: ", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Take_EveryImageBroken_SaysSo()
    {
        using var folder = new TemporaryFolder();
        Directory.CreateDirectory(folder.File("images"));
        for (var i = 0; i < 10; i++) File.WriteAllText(folder.File($"images/{i}.png"), "no image");
        using var data = DataSet.Open(Options(folder), cancellation: Deadline);
        using var pipeline = new SlotPipeline(data, PipelineOptions.Training(data, Shape, 4, 1, seed: 1));
        Assert.Contains("None of the 10 images decodes", Assert.Throws<UserErrorException>(() => pipeline.Take(0, 0, Deadline)).Message, StringComparison.Ordinal);
    }

    private static DataOptions Options(TemporaryFolder folder) => new()
    {
        Source = $"folder:{folder.File("images")}",
        Split = new SplitOptions { By = SplitMode.Share, Share = 1 },
        BrokenLimit = 1,
        Threads = 2,
    };

    /// <summary>Makes the folder; the names, as messages show them, of the files that no decoder can read.</summary>
    private static List<string> Hostile(TemporaryFolder folder)
    {
        var root = folder.File("images");
        Directory.CreateDirectory(Path.Combine(root, "deep", "er"));
        string At(string name) => Path.Combine(root, name);

        var pixels = new byte[40 * 40 * 3];
        new Random(1).NextBytes(pixels);
        var png = PngEncoder.Encode(40, 40, 3, pixels);
        foreach (var name in (string[])["good.png", "name with spaces.png", "línea\nnueva ☃.png", "deep/er/good.png", "wrong extension.gif", "tab\tand \"quotes\".png"])
            File.WriteAllBytes(At(name), png);
        File.CreateSymbolicLink(At("linked.png"), At("good.png"));
        File.WriteAllText(At("notes.txt"), "not an image, and not called one");

        // Loops, and a link to nothing: left out when listing.
        Directory.CreateSymbolicLink(At("deep/a loop"), root);
        File.CreateSymbolicLink(At("dangling.png"), At("nothing here"));

        var broken = new Dictionary<string, byte[]>
        {
            ["empty.png"] = [],
            ["truncated.png"] = png[..(png.Length / 2)],
            ["header only.png"] = png[..33],
            ["text.jpg"] = Encoding.UTF8.GetBytes("This is a text, whatever its name says."),
            ["zeros.webp"] = new byte[5000],
            ["garbage.tif"] = [.. "II*\0"u8, .. pixels.AsSpan(0, 999)],
            ["broken.gif"] = [.. "GIF89a"u8, 40, 0, 40, 0, 0, 0, 0, 0x2C, 0, 0, 0, 0, 40, 0, 40, 0, 0, 8, 255, 1, 2, 3],
            ["line\nbreak.png"] = png[..50],
            // 60,000 x 60,000 pixels in 57 bytes, and a well-formed file that unpacks to more than 3 GB.
            ["huge header.png"] = WithSize(png, 60_000),
            ["bomb.png"] = Bomb(40_000),
            ["huge.gif"] = [.. "GIF89a"u8, 0xFF, 0xFF, 0xFF, 0xFF, 0, 0, 0, 0x2C],
            ["huge.bmp"] = Bmp(60_000),
        };
        // A pipe would keep whoever opens it waiting for ever.
        using (var mkfifo = Process.Start("mkfifo", At("pipe.png"))) Assert.True(mkfifo.WaitForExit(10_000));
        if (TestData.Root is { } data)
        {
            var jpeg = File.ReadAllBytes(Path.Combine(data, "dogs", "dog.0.jpg"));
            broken["truncated.jpg"] = jpeg[..(jpeg.Length / 2)];
            broken["no end.jpg"] = jpeg[..^2];
        }
        foreach (var (name, bytes) in broken) File.WriteAllBytes(At(name), bytes);
        return [.. broken.Keys.Append("pipe.png").Select(DisplayName.Of)];
    }

    private static byte[] WithSize(byte[] png, int size)
    {
        var changed = png.ToArray();
        foreach (var at in (int[])[16, 20]) System.Buffers.Binary.BinaryPrimitives.WriteInt32BigEndian(changed.AsSpan(at), size);
        return changed;
    }

    private static byte[] Bomb(int size)
    {
        // One row's zlib stream stands for all: what matters is that nobody tries to inflate it.
        var small = PngEncoder.Encode(size, 1, 3, new byte[3 * size]);
        System.Buffers.Binary.BinaryPrimitives.WriteInt32BigEndian(small.AsSpan(20), size);
        return small;
    }

    private static byte[] Bmp(int size)
    {
        var bytes = new byte[100];
        "BM"u8.CopyTo(bytes);
        bytes[14] = 40;
        BitConverter.TryWriteBytes(bytes.AsSpan(18), size);
        BitConverter.TryWriteBytes(bytes.AsSpan(22), size);
        return bytes;
    }
}
