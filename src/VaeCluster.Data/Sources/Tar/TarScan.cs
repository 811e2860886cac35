using System.Globalization;
using System.Text;
using Microsoft.Win32.SafeHandles;

namespace VaeCluster.Data.Sources.Tar;

/// <summary>
/// The regular files of a tar archive from its headers alone: ustar, GNU long names, pax names and sizes. The bytes in
/// between are not read.
/// </summary>
internal static class TarScan
{
    public const int Block = 512;

    // A name or a pax header longer than this is damage.
    private const int MostExtended = 1 << 20;

    /// <exception cref="UserErrorException">It is no tar archive, or damaged, or cut off.</exception>
    public static IEnumerable<TarMember> Members(string path)
    {
        using var file = File.OpenHandle(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
        var length = RandomAccess.GetLength(file);
        var header = new byte[Block];
        string? longName = null;
        long? longSize = null;
        for (var at = 0L; at < length;)
        {
            if (Read(file, header, at) < Block) throw Mistake(path, at, "it is cut off in a header");
            if (header.AsSpan().IndexOfAnyExcept((byte)0) < 0) yield break;
            if (!IsHeader(header)) throw Mistake(path, at, at == 0 ? "it does not begin like a tar archive (a compressed one has to be unpacked)" : "a header is damaged");

            var size = longSize ?? Number(header.AsSpan(124, 12));
            var data = at + Block;
            if (size < 0 || size > length - data) throw Mistake(path, at, "it is cut off: a file in it goes beyond its end");
            switch ((char)header[156])
            {
                case 'L':
                    longName = Text(Extended(file, path, data, size));
                    break;
                case 'x':
                    (longName, longSize) = Pax(Extended(file, path, data, size), longName);
                    break;
                case '0' or '\0' or '7':
                    yield return new TarMember(longName ?? Name(header), data, size);
                    (longName, longSize) = (null, null);
                    break;
                default:
                    (longName, longSize) = (null, null);
                    break;
            }
            at = data + (size + Block - 1) / Block * Block;
        }
    }

    /// <summary>The name in the header before a file's bytes; long names are cut to what it holds.</summary>
    public static string? NameAt(string path, long offset)
    {
        using var file = File.OpenHandle(path);
        return HeaderBefore(file, offset) is { } header ? Name(header) : null;
    }

    /// <summary>Whether a header stands before an offset and speaks of this size.</summary>
    public static bool Confirms(string path, long offset, long size)
    {
        using var file = File.OpenHandle(path);
        return offset % Block == 0 && offset + size <= RandomAccess.GetLength(file)
            && HeaderBefore(file, offset) is { } header && (Number(header.AsSpan(124, 12)) == size || size >= 1L << 33);
    }

    private static byte[]? HeaderBefore(SafeFileHandle file, long offset)
    {
        var header = new byte[Block];
        return offset >= Block && Read(file, header, offset - Block) == Block && IsHeader(header) ? header : null;
    }

    private static int Read(SafeFileHandle file, Span<byte> buffer, long offset)
    {
        var done = 0;
        while (done < buffer.Length && RandomAccess.Read(file, buffer[done..], offset + done) is > 0 and var read) done += read;
        return done;
    }

    // The sum of all bytes, with blanks in place of the sum itself.
    private static bool IsHeader(ReadOnlySpan<byte> header)
    {
        var sum = 8L * ' ';
        for (var i = 0; i < Block; i++) sum += i is >= 148 and < 156 ? 0 : header[i];
        return Number(header.Slice(148, 8)) == sum;
    }

    /// <summary>Octal digits, or base 256 with the first bit set; -1 when it is neither.</summary>
    private static long Number(ReadOnlySpan<byte> field)
    {
        var value = 0L;
        if ((field[0] & 0x80) != 0)
        {
            if (field[0] != 0x80 || field[..^8].IndexOfAnyExcept((byte)0, (byte)0x80) >= 0) return -1;
            foreach (var part in field[^8..]) value = (value << 8) | part;
            return value;
        }
        foreach (var digit in field)
        {
            if (digit is (byte)' ' or 0) continue;
            if (digit is < (byte)'0' or > (byte)'7') return -1;
            value = value * 8 + (digit - '0');
        }
        return value;
    }

    private static byte[] Extended(SafeFileHandle file, string path, long offset, long size)
    {
        if (size > MostExtended) throw Mistake(path, offset, "a name in it is longer than any name");
        var bytes = new byte[size];
        return Read(file, bytes, offset) == size ? bytes : throw Mistake(path, offset, "it is cut off in a name");
    }

    /// <summary>Lines of "length key=value".</summary>
    private static (string? Name, long? Size) Pax(ReadOnlySpan<byte> lines, string? name)
    {
        long? size = null;
        while (lines.IndexOf((byte)' ') is > 0 and var blank
            && int.TryParse(lines[..blank], NumberStyles.None, CultureInfo.InvariantCulture, out var length)
            && length > blank + 1 && length <= lines.Length)
        {
            var line = lines[(blank + 1)..(length - 1)];
            if (line.StartsWith("path="u8)) name = Encoding.UTF8.GetString(line[5..]);
            if (line.StartsWith("size="u8) && long.TryParse(line[5..], NumberStyles.None, CultureInfo.InvariantCulture, out var value)) size = value;
            lines = lines[length..];
        }
        return (name, size);
    }

    private static string Name(ReadOnlySpan<byte> header)
    {
        var name = Text(header[..100]);
        var prefix = header.Slice(257, 6).SequenceEqual("ustar\0"u8) ? Text(header.Slice(345, 155)) : "";
        return prefix.Length > 0 ? $"{prefix}/{name}" : name;
    }

    private static string Text(ReadOnlySpan<byte> field)
    {
        var end = field.IndexOf((byte)0);
        return Encoding.UTF8.GetString(end < 0 ? field : field[..end]);
    }

    private static UserErrorException Mistake(string path, long at, string what) =>
        new($"The shard {DisplayName.Of(path)} can't be used: {what} (at byte {at:N0}). Replace it, or move it out of the data set.");
}
