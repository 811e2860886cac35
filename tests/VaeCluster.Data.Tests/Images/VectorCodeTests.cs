using System.Runtime.InteropServices;
using System.Security.Cryptography;
using VaeCluster.Data.Images;
using VaeCluster.Data.Tests.Cache;

namespace VaeCluster.Data.Tests.Images;

public sealed class VectorCodeTests
{
    [Fact]
    public async Task Load_WithoutVectorCode_GivesTheSameBits()
    {
        using var folder = new TemporaryFolder();
        DecodedCacheTests.Photos(folder.File("images"), 60);
        using var child = ChildProcess.Start(typeof(VectorCodeTests), nameof(HashImages), folder.Path, ("VAECLUSTER_DATA_PLAIN", "1"));
        await child.WaitForExitAsync(TestContext.Current.CancellationToken).WaitAsync(TimeSpan.FromMinutes(1), TestContext.Current.CancellationToken);
        Assert.Equal(Hash(folder.Path), File.ReadAllText(folder.File("hash")));
    }

    /// <summary>Run by the test above in a process of its own.</summary>
    [Fact(Explicit = true)]
    public void HashImages()
    {
        var folder = ChildProcess.MeetingPlace();
        File.WriteAllText(Path.Combine(folder, "hash"), Hash(folder));
    }

    // Smaller and larger, odd sizes, both channel counts, both ranges, and a view of part of the image.
    private static string Hash(string folder)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (var (channels, size, range, resize, crop) in ((int, int, PixelRange, ResizeMode, int?)[])
            [(3, 17, PixelRange.ZeroToOne, ResizeMode.ShortSide, null), (1, 17, PixelRange.MinusOneToOne, ResizeMode.Stretch, null),
            (3, 75, PixelRange.MinusOneToOne, ResizeMode.Stretch, null), (1, 80, PixelRange.ZeroToOne, ResizeMode.ShortSide, null),
            (3, 9, PixelRange.ZeroToOne, ResizeMode.ShortSide, 21), (3, 33, PixelRange.ZeroToOne, ResizeMode.ShortSide, null)])
        {
            var options = new DataOptions { Source = $"folder:{folder}/images", Resize = resize, CropSize = crop };
            hash.AppendData(MemoryMarshal.AsBytes(LoadedImages.Of(options, new ImageShape(channels, size, range)).Pixels.AsSpan()));
        }
        return Convert.ToHexString(hash.GetHashAndReset());
    }
}
