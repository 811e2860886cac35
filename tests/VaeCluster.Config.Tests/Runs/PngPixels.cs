using System.Buffers.Binary;
using System.IO.Compression;

namespace VaeCluster.Config.Tests.Runs;

/// <summary>Reads RGB pictures of one IDAT chunk whose rows are filtered by Sub or Up, as ours are.</summary>
internal static class PngPixels
{
    public static (int Width, int Height, byte[] Pixels) Read(byte[] png)
    {
        var (width, height) = (BinaryPrimitives.ReadInt32BigEndian(png.AsSpan(16)), BinaryPrimitives.ReadInt32BigEndian(png.AsSpan(20)));
        var data = png.AsSpan().IndexOf("IDAT"u8) + 4;
        using var zlib = new ZLibStream(new MemoryStream(png[data..]), CompressionMode.Decompress);
        var (stride, pixels) = (width * 3, new byte[width * height * 3]);
        var row = new byte[stride + 1];
        for (var y = 0; y < height; y++)
        {
            zlib.ReadExactly(row);
            for (var x = 0; x < stride; x++)
            {
                var before = row[0] switch
                {
                    1 => x >= 3 ? pixels[y * stride + x - 3] : 0,
                    2 => y > 0 ? pixels[(y - 1) * stride + x] : 0,
                    var filter => throw new InvalidDataException($"Row filter {filter}."),
                };
                pixels[y * stride + x] = (byte)(row[x + 1] + before);
            }
        }
        return (width, height, pixels);
    }
}
