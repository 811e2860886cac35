using System.Buffers.Binary;

namespace VaeCluster.Data.Images;

/// <summary>
/// The first frame of a GIF file, which OpenCV's decoder of the distributions does not read. In managed code: whatever the
/// bytes say, an index is checked.
/// </summary>
internal static class GifImage
{
    private const int MostCodes = 4096;

    /// <summary>[height, width, 3] bytes of the whole canvas; null with the reason when the bytes do not decode.</summary>
    public static (byte[]? Pixels, string Reason) DecodeFirst(ReadOnlySpan<byte> bytes)
    {
        try
        {
            return (Decode(bytes), "");
        }
        catch (Exception error) when (error is IndexOutOfRangeException or ArgumentOutOfRangeException or InvalidDataException)
        {
            return (null, error is InvalidDataException ? error.Message : "the GIF data end early");
        }
    }

    private static byte[] Decode(ReadOnlySpan<byte> bytes)
    {
        var width = BinaryPrimitives.ReadUInt16LittleEndian(bytes[6..]);
        var height = BinaryPrimitives.ReadUInt16LittleEndian(bytes[8..]);
        var at = 13;
        var palette = Palette(bytes, bytes[10], ref at);
        while (true)
        {
            switch (bytes[at++])
            {
                case 0x21: // an extension: transparency and timing, which one opaque frame does not need
                    at++;
                    SkipBlocks(bytes, ref at);
                    break;
                case 0x2C:
                    return Frame(bytes, at, width, height, palette);
                default:
                    throw new InvalidDataException("the GIF has no image");
            }
        }
    }

    private static byte[] Frame(ReadOnlySpan<byte> bytes, int at, int width, int height, ReadOnlySpan<byte> palette)
    {
        var frame = bytes.Slice(at, 9);
        var left = BinaryPrimitives.ReadUInt16LittleEndian(frame);
        var top = BinaryPrimitives.ReadUInt16LittleEndian(frame[2..]);
        var frameWidth = BinaryPrimitives.ReadUInt16LittleEndian(frame[4..]);
        var frameHeight = BinaryPrimitives.ReadUInt16LittleEndian(frame[6..]);
        at += 9;
        if ((frame[8] & 0x80) != 0) palette = Palette(bytes, frame[8], ref at);
        if (left + frameWidth > width || top + frameHeight > height) throw new InvalidDataException("the GIF's first frame leaves its canvas");

        var indices = new byte[frameWidth * frameHeight];
        Decompress(bytes, at, indices);
        var pixels = new byte[width * height * 3];
        for (var i = 0; i < indices.Length; i++)
        {
            var row = i / frameWidth;
            var y = top + ((frame[8] & 0x40) != 0 ? Interlaced(row, frameHeight) : row);
            palette.Slice(indices[i] * 3, 3).CopyTo(pixels.AsSpan((y * width + left + i % frameWidth) * 3));
        }
        return pixels;
    }

    /// <summary>Rows are stored as each eighth, then the eighths between, then fourths, then halves.</summary>
    private static int Interlaced(int row, int height)
    {
        foreach (var (first, step) in ((int, int)[])[(0, 8), (4, 8), (2, 4), (1, 2)])
        {
            var rows = height > first ? (height - first + step - 1) / step : 0;
            if (row < rows) return first + row * step;
            row -= rows;
        }
        throw new InvalidDataException("the GIF has more rows than its frame");
    }

    private static ReadOnlySpan<byte> Palette(ReadOnlySpan<byte> bytes, byte flags, scoped ref int at)
    {
        if ((flags & 0x80) == 0) return [];
        var length = 3 << ((flags & 7) + 1);
        var palette = bytes.Slice(at, length);
        at += length;
        return palette;
    }

    private static void SkipBlocks(ReadOnlySpan<byte> bytes, ref int at)
    {
        while (bytes[at] != 0) at += bytes[at] + 1;
        at++;
    }

    /// <summary>LZW with codes that grow to 12 bits, in sub-blocks of up to 255 bytes.</summary>
    private static void Decompress(ReadOnlySpan<byte> bytes, int at, Span<byte> output)
    {
        var minimum = bytes[at++];
        if (minimum is < 1 or > 8) throw new InvalidDataException("the GIF's code size is none");
        var (clear, end) = (1 << minimum, (1 << minimum) + 1);
        Span<short> prefix = stackalloc short[MostCodes];
        Span<byte> suffix = stackalloc byte[MostCodes];
        Span<byte> stack = stackalloc byte[MostCodes + 1];
        for (var i = 0; i < clear; i++) suffix[i] = (byte)i;

        int size = minimum + 1, next = end + 1, previous = -1, bits = 0, count = 0, block = 0, written = 0;
        byte first = 0;
        while (written < output.Length)
        {
            while (count < size)
            {
                if (block == 0)
                {
                    block = bytes[at++];
                    if (block == 0) throw new InvalidDataException("the GIF data end early");
                }
                bits |= bytes[at++] << count;
                count += 8;
                block--;
            }
            var code = bits & ((1 << size) - 1);
            bits >>= size;
            count -= size;

            if (code == clear)
            {
                (size, next, previous) = (minimum + 1, end + 1, -1);
                continue;
            }
            if (code == end) throw new InvalidDataException("the GIF data end early");
            if (code > next || (code == next && previous < 0)) throw new InvalidDataException("the GIF data are damaged");

            var depth = 0;
            var entry = code;
            if (code == next)
            {
                stack[depth++] = first;
                entry = previous;
            }
            for (; entry > end; entry = prefix[entry]) stack[depth++] = suffix[entry];
            if (entry >= clear) throw new InvalidDataException("the GIF data are damaged");
            first = (byte)entry;
            stack[depth++] = first;
            while (depth > 0 && written < output.Length) output[written++] = stack[--depth];

            if (previous >= 0 && next < MostCodes)
            {
                prefix[next] = (short)previous;
                suffix[next++] = first;
                if (next == 1 << size && size < 12) size++;
            }
            previous = code;
        }
    }
}
