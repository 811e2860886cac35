namespace VaeCluster.Data.Tests.Images;

public sealed class PhotoTests(ITestOutputHelper output)
{
    [Theory]
    [InlineData(64, 3, 0, "short")]
    [InlineData(256, 3, 0, "short")]
    [InlineData(64, 1, 0, "stretch")]
    [InlineData(64, 3, 148, "short")]
    public void Load_DogPhotos_AgreesWithPil(int size, int channels, int crop, string resize)
    {
        var loaded = LoadedImages.Of(new DataOptions
        {
            Source = $"folder:{TestData.Dogs}",
            CropSize = crop == 0 ? null : crop,
            Resize = resize == "short" ? Data.Images.ResizeMode.ShortSide : Data.Images.ResizeMode.Stretch,
        }, new ImageShape(channels, size, PixelRange.ZeroToOne));
        Assert.Equal(699, loaded.Paths.Count);
        // At 256 pixels every fourth photo will do. torchvision pads what is smaller than the crop; we take what is there.
        var chosen = Enumerable.Range(0, 699).Where(i => size < 200 || i % 4 == 0).Where(i => SideOf(loaded.Paths[i]) >= crop).ToList();
        var reference = ReferenceImages.Of(chosen.Select(i => loaded.Paths[i]), size, channels, resize, crop);
        var (worst, sum) = (0.0, 0.0);
        for (var k = 0; k < chosen.Count; k++)
        {
            var bytes = loaded.BytesOf(chosen[k]);
            var difference = 0L;
            for (var i = 0; i < bytes.Length; i++) difference += Math.Abs(bytes[i] - reference[k * bytes.Length + i]);
            var mean = (double)difference / bytes.Length;
            sum += mean;
            worst = Math.Max(worst, mean);
        }
        output.WriteLine($"{size} px: mean difference {sum / chosen.Count:F4}, worst image {worst:F4} of 255");
        Assert.True(worst <= 2, $"the mean difference of one photo is {worst:F3} of 255");
        Assert.True(sum / chosen.Count <= 0.5, $"the mean difference of all is {sum / chosen.Count:F3} of 255");
    }

    private static int SideOf(string path)
    {
        var bytes = File.ReadAllBytes(path);
        for (var at = 2; ; at += 2 + bytes[at + 2] * 256 + bytes[at + 3])
            if (bytes[at + 1] is 0xC0 or 0xC2) return Math.Min(bytes[at + 5] * 256 + bytes[at + 6], bytes[at + 7] * 256 + bytes[at + 8]);
    }
}
