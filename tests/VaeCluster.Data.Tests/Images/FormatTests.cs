using VaeCluster.Data.Images;

namespace VaeCluster.Data.Tests.Images;

/// <summary>Every format and kind of pixel that we promise, written by PIL and read by both.</summary>
public sealed class FormatTests(ITestOutputHelper output)
{
    private const int Size = 40;

    // A smooth picture with sharp parts, so that both lossy and palette formats have something to do.
    private const string Maker = """
        import sys, numpy
        from PIL import Image
        folder, size = sys.argv[1], int(sys.argv[2])
        y, x = numpy.mgrid[0:size, 0:size]
        rgb = numpy.stack([x * 6, y * 6, (x * y) % 256], 2).astype('uint8')
        rgb[5:15, 8:30] = [250, 10, 40]
        image, grey = Image.fromarray(rgb), Image.fromarray(rgb[..., 2])
        alpha = image.copy(); alpha.putalpha(grey)
        def save(name, image, **more): image.save(f'{folder}/{name}', **more)
        save('rgb.png', image); save('grey.png', grey); save('alpha.png', alpha); save('palette.png', image.quantize(32))
        save('greyalpha.png', Image.merge('LA', [grey, grey])); save('bits.png', grey.convert('1'))
        save('lossless.webp', image, lossless=True); save('alpha.webp', alpha, lossless=True, exact=True); save('lossy.webp', image, quality=80)
        save('rgb.tiff', image); save('lzw.tif', image, compression='tiff_lzw'); save('grey.tif', grey)
        save('palette.gif', image.quantize(64)); save('interlaced.gif', image.quantize(16), interlace=1); save('grey.gif', grey)
        save('rgb.bmp', image); save('rgb.jpg', image, quality=90); save('grey.jpg', grey, quality=90)
        save('progressive.jpg', image, quality=85, progressive=True); save('full.jpeg', image, quality=95, subsampling=0)
        save('cmyk.jpg', image.convert('CMYK'), quality=95)
        save('wrong-name.jpg', image, format='PNG')
        for orientation in range(1, 9):
            exif = Image.Exif(); exif[0x0112] = orientation
            save(f'turned{orientation}.jpg', image, quality=95, exif=exif)
            save(f'turned{orientation}.webp', image, lossless=True, exif=exif)
            save(f'turned{orientation}.png', image, exif=exif)
            save(f'turned{orientation}.tif', image, tiffinfo={274: orientation})
        """;

    [Theory]
    [InlineData(3)]
    [InlineData(1)]
    public void Load_EveryFormat_AgreesWithPil(int channels)
    {
        using var folder = new TemporaryFolder();
        ReferenceImages.Run(Maker, "", folder.Path, $"{Size}");
        var loaded = LoadedImages.Of(new DataOptions { Source = $"folder:{folder.Path}", Resize = ResizeMode.Stretch }, new ImageShape(channels, Size, PixelRange.ZeroToOne));
        Assert.Equal(54, loaded.Paths.Count);
        var reference = ReferenceImages.Of(loaded.Paths, 0, channels);
        var wrong = new List<string>();
        for (var i = 0; i < loaded.Paths.Count; i++)
        {
            var name = Path.GetFileName(loaded.Paths[i]);
            var difference = loaded.MeanDifference(i, reference);
            // Lossless files are exact. The grey of a colour JPEG is its own luma, not that of rounded colours.
            var jpeg = name.EndsWith(".jpg", StringComparison.Ordinal) || name.EndsWith(".jpeg", StringComparison.Ordinal);
            var allowed = name == "lossy.webp" || (jpeg && channels == 1 && name != "wrong-name.jpg") ? 1.0 : 0.0;
            if (difference > allowed) wrong.Add($"{name}: {difference:F3}");
        }
        output.WriteLine(string.Join('\n', wrong));
        Assert.Empty(wrong);
    }

    [Fact]
    public void Load_SixteenBitImages_TakesTheHighByte()
    {
        using var folder = new TemporaryFolder();
        ReferenceImages.Run("""
            import sys, numpy
            from PIL import Image
            values = (numpy.arange(256 * 256, dtype='uint16').reshape(256, 256)[::8, ::8])
            for name in ['grey.png', 'grey.tiff']: Image.fromarray(values).save(f'{sys.argv[1]}/{name}')
            """, "", folder.Path);
        var loaded = LoadedImages.Of(new DataOptions { Source = $"folder:{folder.Path}" }, new ImageShape(1, 32, PixelRange.ZeroToOne));
        for (var image = 0; image < 2; image++)
            Assert.Equal([.. Enumerable.Range(0, 32 * 32).Select(i => (byte)(i / 32 * 8))], loaded.BytesOf(image));
    }

    [Fact]
    public void Load_SignedRange_SpansMinusOneToOne()
    {
        using var folder = new TemporaryFolder();
        ImageWriter.WritePng(folder.File("one.png"), 16, 16, 1, [.. Enumerable.Range(0, 256).Select(i => (byte)i)]);
        var loaded = LoadedImages.Of(new DataOptions { Source = $"folder:{folder.Path}" }, new ImageShape(1, 16, PixelRange.MinusOneToOne));
        Assert.Equal([.. Enumerable.Range(0, 256).Select(i => i / 127.5f - 1)], loaded.Pixels);
        Assert.Equal((-1f, 1f), (loaded.Pixels.Min(), loaded.Pixels.Max()));
    }

    [Theory]
    [InlineData(1, 7, 5)]
    [InlineData(3, 64, 64)]
    [InlineData(3, 301, 200)]
    public void WritePng_AnyImage_PilReadsThePixels(int channels, int width, int height)
    {
        using var folder = new TemporaryFolder();
        var pixels = new byte[width * height * channels];
        for (var i = 0; i < pixels.Length; i++) pixels[i] = (byte)(i * i / 7 + i / 3);
        ImageWriter.WritePng(folder.File("compressed.png"), width, height, channels, pixels);
        File.WriteAllBytes(folder.File("stored.png"), PngEncoder.Encode(width, height, channels, pixels, compress: false));
        Assert.Equal(2, Directory.GetFiles(folder.Path).Length);

        var planes = new byte[pixels.Length];
        for (var i = 0; i < pixels.Length; i++) planes[i % channels * width * height + i / channels] = pixels[i];
        var read = ReferenceImages.Of([folder.File("compressed.png"), folder.File("stored.png")], 0, channels);
        Assert.Equal([.. planes, .. planes], read);
    }
}
