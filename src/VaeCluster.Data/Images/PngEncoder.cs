using System.Buffers.Binary;
using System.IO.Compression;

namespace VaeCluster.Data.Images;

/// <summary>Pixels to the bytes of a PNG file: 8 bit, grey or RGB.</summary>
public static class PngEncoder
{
    private static readonly uint[] CrcTable = [.. Enumerable.Range(0, 256).Select(index =>
    {
        var value = (uint)index;
        for (var bit = 0; bit < 8; bit++) value = (value & 1) != 0 ? 0xEDB88320 ^ (value >> 1) : value >> 1;
        return value;
    })];

    /// <param name="width">Pixels.</param>
    /// <param name="height">Pixels.</param>
    /// <param name="channels">1 or 3.</param>
    /// <param name="pixels">[height, width, channels].</param>
    /// <param name="compress">False stores the pixels as they are: larger, but the same bytes whatever compressor is there.</param>
    public static byte[] Encode(int width, int height, int channels, ReadOnlySpan<byte> pixels, bool compress = true)
    {
        if (channels is not (1 or 3)) throw new ArgumentOutOfRangeException(nameof(channels), channels, "1 or 3.");
        ArgumentOutOfRangeException.ThrowIfNotEqual(pixels.Length, width * height * channels);
        var rows = Filter(width * channels, height, channels, pixels, compress);
        var data = compress ? Compress(rows) : Store(rows);

        using var file = new MemoryStream(data.Length + 100);
        Begin(file, width, height, channels);
        Chunk(file, "IDAT"u8, data);
        Chunk(file, "IEND"u8, []);
        return file.ToArray();
    }

    /// <summary>Signature and header of a file.</summary>
    internal static void Begin(MemoryStream file, int width, int height, int channels)
    {
        file.Write([0x89, (byte)'P', (byte)'N', (byte)'G', 0x0D, 0x0A, 0x1A, 0x0A]);
        Span<byte> header = stackalloc byte[13];
        BinaryPrimitives.WriteInt32BigEndian(header, width);
        BinaryPrimitives.WriteInt32BigEndian(header[4..], height);
        header[8] = 8;
        header[9] = (byte)(channels == 1 ? 0 : 2);
        Chunk(file, "IHDR"u8, header);
    }

    /// <summary>The data of one picture, [height, width, channels], as they stand in IDAT.</summary>
    internal static byte[] Data(int width, int height, int channels, ReadOnlySpan<byte> pixels) =>
        Compress(Filter(width * channels, height, channels, pixels, filter: true));

    // Each row as the difference from the one above, which photographs and drawings both like.
    private static byte[] Filter(int stride, int height, int channels, ReadOnlySpan<byte> pixels, bool filter)
    {
        var rows = new byte[(stride + 1) * height];
        for (var y = 0; y < height; y++)
        {
            var row = pixels.Slice(y * stride, stride);
            var target = rows.AsSpan(y * (stride + 1) + 1, stride);
            if (!filter)
            {
                row.CopyTo(target);
                continue;
            }
            rows[y * (stride + 1)] = (byte)(y == 0 ? 1 : 2);
            for (var x = 0; x < stride; x++)
            {
                var before = y > 0 ? pixels[(y - 1) * stride + x] : x >= channels ? row[x - channels] : 0;
                target[x] = (byte)(row[x] - before);
            }
        }
        return rows;
    }

    private static byte[] Compress(byte[] rows)
    {
        using var data = new MemoryStream();
        using (var zlib = new ZLibStream(data, CompressionLevel.Fastest, leaveOpen: true)) zlib.Write(rows);
        return data.ToArray();
    }

    /// <summary>A zlib stream of stored blocks (RFC 1950, 1951).</summary>
    private static byte[] Store(ReadOnlySpan<byte> rows)
    {
        const int most = 65535;
        using var data = new MemoryStream(rows.Length + 64);
        data.Write([0x78, 0x01]);
        Span<byte> numbers = stackalloc byte[5];
        var (low, high) = (1u, 0u);
        for (var at = 0; at < rows.Length; at += most)
        {
            var block = rows.Slice(at, Math.Min(most, rows.Length - at));
            numbers[0] = (byte)(at + most >= rows.Length ? 1 : 0);
            BinaryPrimitives.WriteUInt16LittleEndian(numbers[1..], (ushort)block.Length);
            BinaryPrimitives.WriteUInt16LittleEndian(numbers[3..], (ushort)~block.Length);
            data.Write(numbers);
            data.Write(block);
            foreach (var value in block)
            {
                low = (low + value) % 65521;
                high = (high + low) % 65521;
            }
        }
        BinaryPrimitives.WriteUInt32BigEndian(numbers, (high << 16) | low);
        data.Write(numbers[..4]);
        return data.ToArray();
    }

    internal static void Chunk(MemoryStream file, ReadOnlySpan<byte> type, ReadOnlySpan<byte> data)
    {
        Span<byte> number = stackalloc byte[4];
        BinaryPrimitives.WriteInt32BigEndian(number, data.Length);
        file.Write(number);
        file.Write(type);
        file.Write(data);
        var crc = Crc(Crc(uint.MaxValue, type), data) ^ uint.MaxValue;
        BinaryPrimitives.WriteUInt32BigEndian(number, crc);
        file.Write(number);
    }

    private static uint Crc(uint crc, ReadOnlySpan<byte> bytes)
    {
        foreach (var value in bytes) crc = CrcTable[(crc ^ value) & 0xFF] ^ (crc >> 8);
        return crc;
    }
}
