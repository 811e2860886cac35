using VaeCluster.Data.Describing;
using VaeCluster.Data.Images;
using VaeCluster.Data.Tests.Images;

namespace VaeCluster.Data.Tests.Describing;

public sealed class DataDescriberTests(ITestOutputHelper output)
{
    private static CancellationToken Deadline => TestContext.Current.CancellationToken;

    [Fact]
    public void Describe_Mnist_GivesTheKnownNumbers()
    {
        using var data = DataSet.Open(new DataOptions { Source = $"idx:{TestData.Mnist}" }, cancellation: Deadline);
        var description = DataDescriber.Describe(data, DataDescriber.ShapeOf(data), cancellation: Deadline);
        Assert.Equal((60_000, 10_000, 70_000), (description.Train, description.Validation, description.Measured));
        Assert.Equal("28", $"{description.Width}");
        // Of the 60,000 alone these are 0.1307 and 0.3081, as everyone quotes them; the 10,000 shift them a little.
        Assert.Equal(0.1309, description.Mean[0], 4);
        Assert.Equal(0.3084, description.Deviation[0], 4);
        Assert.Empty(description.Broken);
        AssertSheet(data, description.Shape);
    }

    [Fact]
    public void Describe_DogPhotos_AgreesWithPil()
    {
        using var data = DataSet.Open(new DataOptions { Source = $"folder:{TestData.Dogs}", Threads = 2 }, cancellation: Deadline);
        var description = DataDescriber.Describe(data, DataDescriber.ShapeOf(data), cancellation: Deadline);
        output.WriteLine($"{description.Width} x {description.Height}; mean {string.Join(", ", description.Mean)}; deviation {string.Join(", ", description.Deviation)}");
        Assert.Equal(699, description.Formats[ImageFormat.Jpeg]);
        Assert.Equal(559, description.Train);
        Assert.Equal((0, 0), (description.Broken.Count, description.Unreadable.Count));

        var paths = Enumerable.Range(0, 699).Select(i => Path.Combine(data.Root, data.Manifest[i].Path));
        var reference = ReferenceImages.Of(paths, 64, 3);
        const int plane = 64 * 64;
        for (var channel = 0; channel < 3; channel++)
        {
            var values = Enumerable.Range(0, 699).SelectMany(i => new ArraySegment<byte>(reference, (i * 3 + channel) * plane, plane)).Select(value => value / 255.0).ToList();
            var mean = values.Average();
            Assert.Equal(mean, description.Mean[channel], 0.5 / 255);
            Assert.Equal(Math.Sqrt(values.Average(value => (value - mean) * (value - mean))), description.Deviation[channel], 0.5 / 255);
        }
        AssertSheet(data, description.Shape);
    }

    [Fact]
    public void Describe_BrokenAndVanishedFiles_AreNamedApart()
    {
        using var folder = new TemporaryFolder();
        for (var i = 0; i < 20; i++) ImageWriter.WritePng(folder.File($"images/{i:D2}.png"), 10 + i, 20, 3, new byte[(10 + i) * 60]);
        File.WriteAllText(folder.File("images/03.png"), "no image");
        using var data = DataSet.Open(new DataOptions
        {
            Source = $"folder:{folder.File("images")}",
            Read = new Data.Reading.ReadOptions { Attempts = 2, FirstDelay = TimeSpan.FromMilliseconds(1) },
        }, cancellation: Deadline);
        File.Delete(folder.File("images/07.png"));
        var description = DataDescriber.Describe(data, DataDescriber.ShapeOf(data), cancellation: Deadline);
        Assert.Equal([folder.File("images/03.png")], description.Broken.Select(image => image.Name));
        Assert.Equal([folder.File("images/07.png")], description.Unreadable.Select(image => image.Name));
        Assert.Equal((18, "10 to 29, median 20"), (description.Formats[ImageFormat.Png], $"{description.Width}"));
        ContactSheet.Write(data, description.Shape, folder.File("sheet.png"), cancellation: Deadline);
    }

    private static void AssertSheet(DataSet data, ImageShape shape)
    {
        using var folder = new TemporaryFolder();
        ContactSheet.Write(data, shape, folder.File("sheet.png"), columns: 10, rows: 8, Deadline);
        var (width, height) = (10 * (shape.Size + 2) + 2, 8 * (shape.Size + 2) + 2);
        var pixels = ReferenceImages.Of([folder.File("sheet.png")], 0, 3);
        Assert.Equal(3 * width * height, pixels.Length);
        Assert.True(pixels.Distinct().Count() > 100);
    }
}
