using VaeCluster.Data.Images;
using VaeCluster.Data.Inputs;
using VaeCluster.Data.Splits;

namespace VaeCluster.Data.Tests.Inputs;

public sealed class ImageInputsTests : IDisposable
{
    private static readonly ImageShape Grey = new(1, 8, PixelRange.ZeroToOne), Colour = new(3, 8, PixelRange.MinusOneToOne);
    private readonly TemporaryFolder folder = new("inputs");

    public void Dispose() => folder.Dispose();

    [Fact]
    public void Batches_FilesAndFolders_ComeInOrderWithNamesAndLabels()
    {
        foreach (var (name, value) in new[] { ("set/dog/b.png", 3), ("set/cat/a.png", 2), ("set/top.png", 4), ("first.png", 1) }) Save(name, value);
        using var inputs = Open([folder.File("first.png"), folder.File("set")], Grey);
        var batches = inputs.Batches(3, TestContext.Current.CancellationToken).ToList();
        Assert.Equal([3, 1], batches.Select(batch => batch.Count));
        var images = batches.SelectMany(batch => batch.Images).ToList();
        Assert.Equal(["first.png", "cat/a.png", "dog/b.png", "top.png"], images.Select(image => image.Path));
        Assert.Equal([null, "cat", "dog", null], images.Select(image => image.Label));
        Assert.Equal([0L, 1, 2, 3], images.Select(image => image.Index));
        Assert.Equal(folder.File("set/cat/a.png"), inputs[1].Name);
        Assert.Equal("cat/a-error.png", images[1].PathWith("-error.png"));
        Assert.Equal([1, 2, 3, 4], batches.SelectMany(batch => Enumerable.Range(0, batch.Count).Select(i => (int)MathF.Round(batch.Pixels[i * 64] * 255))));
        Assert.Null(inputs.Conversion);
    }

    [Fact]
    public void Batches_OtherSizeAndChannels_AreConvertedAndSaySo()
    {
        Save("wide.png", 9, 20, 10, 1);
        using var inputs = Open([folder.File("wide.png")], Colour);
        var batch = inputs.ReadAll(TestContext.Current.CancellationToken);
        Assert.Equal(Colour.Values, batch.Pixels.Length);
        Assert.Contains("1 resized (shorter side to 8, the centre kept), 1 from grey to colour", inputs.Conversion, StringComparison.Ordinal);
    }

    [Fact]
    public void Open_MissingNoImageAndEmptyFolder_ReportsAllAtOnce()
    {
        File.WriteAllText(folder.File("text.png"), "no image");
        Directory.CreateDirectory(folder.File("empty"));
        var mistakes = Assert.Throws<UserErrorException>(() => Open([folder.File("gone.png"), folder.File("text.png"), folder.File("empty")], Grey)).Message.Split('\n');
        Assert.Contains("there is no such file", mistakes[0], StringComparison.Ordinal);
        Assert.Contains("is no image", mistakes[1], StringComparison.Ordinal);
        Assert.Contains("holds no images", mistakes[2], StringComparison.Ordinal);
    }

    [Fact]
    public void Batches_BrokenImageInFolder_IsAnErrorOrLeftOut()
    {
        for (var i = 0; i < 5; i++) Save($"set/{i}.png", i);
        File.WriteAllBytes(folder.File("set/3.png"), File.ReadAllBytes(folder.File("set/3.png"))[..50]);
        using (var inputs = Open([folder.File("set")], Grey))
            Assert.Contains("3.png", Assert.Throws<UserErrorException>(() => inputs.Batches(2, TestContext.Current.CancellationToken).Count()).Message, StringComparison.Ordinal);
        using (var inputs = Open([folder.File("set")], Grey, new() { SkipBroken = true }))
        {
            Assert.Equal([0L, 1, 2, 4], inputs.Batches(2, TestContext.Current.CancellationToken).SelectMany(batch => batch.Images).Select(image => image.Index));
            Assert.Contains("3.png", Assert.Single(inputs.Broken), StringComparison.Ordinal);
        }
    }

    [Fact]
    public void Batches_GivenUpEarly_EndsTheReading()
    {
        for (var i = 0; i < 40; i++) Save($"set/{i:D2}.png", i);
        using var inputs = Open([folder.File("set")], Grey);
        Assert.Equal(2, inputs.Batches(1, TestContext.Current.CancellationToken).Take(2).Count());
        Assert.Equal(40, inputs.Batches(7, TestContext.Current.CancellationToken).Sum(batch => batch.Count));
    }

    [Fact]
    public void Open_IdxWithLabels_TakesTheSplitAndTheLabels()
    {
        Idx("train", 6);
        Idx("t10k", 4);
        using var all = Open([$"idx:{folder.Path}"], Grey);
        Assert.Equal(10, all.Count);
        using var some = Open([$"idx:{folder.Path}"], Grey, new() { Split = Split.Validation, Limit = 3 });
        var batch = some.ReadAll(TestContext.Current.CancellationToken);
        Assert.Equal(["t10k-images-idx3-ubyte-000000", "t10k-images-idx3-ubyte-000001", "t10k-images-idx3-ubyte-000002"], batch.Images.Select(image => image.Path));
        Assert.Equal(["0", "1", "2"], batch.Images.Select(image => image.Label));
        Assert.Equal(1f / 255, batch.Pixels[64]);
    }

    private static ImageInputs Open(string[] arguments, ImageShape shape, InputOptions? options = null) =>
        ImageInputs.Open(arguments, new DataOptions(), shape, options ?? new());

    private void Save(string name, int value, int width = 8, int height = 8, int channels = 1) =>
        ImageWriter.WritePng(folder.File(name), width, height, channels, Enumerable.Repeat((byte)value, width * height * channels).ToArray());

    private void Idx(string name, byte count)
    {
        byte[] images = [0, 0, 8, 3, 0, 0, 0, count, 0, 0, 0, 8, 0, 0, 0, 8, .. Enumerable.Range(0, count * 64).Select(i => (byte)(i / 64))];
        byte[] labels = [0, 0, 8, 1, 0, 0, 0, count, .. Enumerable.Range(0, count).Select(i => (byte)i)];
        File.WriteAllBytes(folder.File($"{name}-images-idx3-ubyte"), images);
        File.WriteAllBytes(folder.File($"{name}-labels-idx1-ubyte"), labels);
    }
}
