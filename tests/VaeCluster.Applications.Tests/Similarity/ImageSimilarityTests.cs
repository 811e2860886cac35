using System.Globalization;
using System.Runtime.InteropServices;
using VaeCluster.Applications.Similarity;

namespace VaeCluster.Applications.Tests.Similarity;

public sealed class ImageSimilarityTests(TinyModel models) : IClassFixture<TinyModel>
{
    [Fact]
    public void Of_AnySizeAndNoise_AgreesWithScikitImageAndPyTorch()
    {
        (int Channels, int Height, int Width, double Noise)[] cases =
            [(1, 28, 28, 0.3), (3, 48, 64, 0.02), (3, 177, 190, 0.1), (1, 200, 176, 1), (3, 11, 30, 0.2), (1, 95, 33, 0.001)];
        var files = new List<string>();
        var ours = new List<ImageSimilarity>();
        foreach (var (index, (channels, height, width, noise)) in cases.Index())
        {
            var random = new Random(index);
            var a = new float[channels * height * width];
            var b = new float[a.Length];
            for (var i = 0; i < a.Length; i++)
            {
                a[i] = (float)(0.5 + 0.5 * Math.Sin(i * 0.01 * (index + 1)) * Math.Cos(i / width * 0.2));
                b[i] = Math.Clamp(a[i] + (float)(noise * (random.NextDouble() - 0.5)), 0, 1);
            }
            files.Add(models.In($"pair{index}"));
            File.WriteAllBytes(files[^1], [.. MemoryMarshal.AsBytes<int>([channels, height, width]), .. MemoryMarshal.AsBytes<float>(a), .. MemoryMarshal.AsBytes<float>(b)]);
            ours.Add(ImageSimilarity.Of(a, b, channels, height, width));
        }
        foreach (var (line, own) in Python.Run("similarity.py", [.. files]).Zip(ours))
        {
            var theirs = line.Split(' ').Select(text => double.Parse(text, CultureInfo.InvariantCulture)).ToArray();
            Assert.Equal(theirs[0], own.Psnr, 1e-4);
            Assert.Equal(theirs[1], own.Ssim, 1e-4);
            Assert.Equal(theirs[2], own.MultiScale, 1e-4);
        }
        Assert.Equal(cases.Length, ours.Count);
    }

    [Fact]
    public void Of_EqualImages_IsOneAndInfinite()
    {
        var image = Enumerable.Range(0, 400).Select(i => i / 400f).ToArray();
        var same = ImageSimilarity.Of(image, image, 1, 20, 20);
        Assert.Equal((double.PositiveInfinity, 1, 1), (same.Psnr, same.Ssim, same.MultiScale));
        Assert.True(double.IsNaN(ImageSimilarity.Of(image.AsSpan(0, 100), image.AsSpan(0, 100), 1, 10, 10).Ssim));
    }

    [Theory]
    [InlineData(10, 0)]
    [InlineData(28, 2)]
    [InlineData(64, 3)]
    [InlineData(175, 4)]
    [InlineData(176, 5)]
    [InlineData(1024, 5)]
    public void Scales_OfASize_AreThoseInWhichTheWindowFits(int size, int scales) => Assert.Equal(scales, StructuralSimilarity.Scales(size, 2 * size));
}
