using VaeCluster.Data.Images;
using VaeCluster.Data.Order;

namespace VaeCluster.Data.Describing;

/// <summary>A picture of many samples side by side.</summary>
public static class ContactSheet
{
    private const int Gap = 2;

    /// <summary>Arranges images, [channels, size, size] bytes each, in rows on a dark ground; null leaves a red cell.</summary>
    public static byte[] Arrange(IReadOnlyList<byte[]?> images, ImageShape shape, int columns, out int width, out int height)
    {
        var rows = (images.Count + columns - 1) / columns;
        var stride = shape.Size + Gap;
        (width, height) = (columns * stride + Gap, rows * stride + Gap);
        var sheet = new byte[width * height * 3];
        sheet.AsSpan().Fill(32);
        foreach (var (index, image) in images.Index())
        {
            var (left, top) = (Gap + index % columns * stride, Gap + index / columns * stride);
            for (var y = 0; y < shape.Size; y++)
            {
                for (var x = 0; x < shape.Size; x++)
                {
                    for (var channel = 0; channel < 3; channel++)
                    {
                        var plane = shape.Channels == 1 ? 0 : channel;
                        var value = image is null ? (byte)(channel == 0 ? 160 : 20) : image[(plane * shape.Size + y) * shape.Size + x];
                        sheet[((top + y) * width + left + x) * 3 + channel] = value;
                    }
                }
            }
        }
        return sheet;
    }

    /// <summary>Writes samples drawn from a data set, the same at each call; what does not decode is a red cell.</summary>
    public static void Write(DataSet data, ImageShape shape, string path, int columns = 10, int rows = 8, CancellationToken cancellation = default)
    {
        var transform = new ImageTransform(data.Options, shape, augment: false);
        using var decoder = new ImageDecoder(data.Options.MaxPixels);
        var image = new PlanarImage();
        var order = SampleOrder.For(Purpose.ContactSheet, 0, 0, data.Manifest.Count());
        var images = new List<byte[]?>();
        for (var i = 0L; i < Math.Min(columns * rows, order.Count); i++)
        {
            var entry = data.Manifest[order[i]];
            var bytes = new byte[Math.Min(entry.Size, Array.MaxLength)];
            if (!TryRead(data, entry, bytes, cancellation)) images.Add(null);
            else if (entry.Records is { } raw)
            {
                decoder.Resample(bytes, raw, transform, image);
                images.Add(image.Pixels.ToArray());
            }
            else images.Add(decoder.Decode(bytes, transform, image, out _) is null ? image.Pixels.ToArray() : null);
        }
        var sheet = Arrange(images, shape, columns, out var width, out var height);
        ImageWriter.WritePng(path, width, height, 3, sheet);
    }

    private static bool TryRead(DataSet data, Manifests.SampleEntry entry, byte[] bytes, CancellationToken cancellation)
    {
        try
        {
            if (bytes.Length > 0) data.Reader.Read(entry, bytes, cancellation);
            return true;
        }
        catch (SampleReadException)
        {
            return false;
        }
    }
}
