using System.Buffers;
using System.Globalization;
using System.Text;

namespace Prometheus;

/// <summary>
/// Gathers the text of a scrape in one pooled buffer and hands it to the stream piece by piece. Series write without
/// awaiting; who loops over them flushes when <see cref="IsFull"/>.
/// </summary>
internal sealed class ExpositionWriter(Stream to, ExpositionFormat format) : IDisposable
{
    private const int Piece = 64 * 1024;
    private const int LongestNumber = 32;

    /// <summary>Without a byte order mark; text that is no valid Unicode comes out with replacement characters.</summary>
    public static readonly UTF8Encoding Utf8 = new(encoderShouldEmitUTF8Identifier: false);

    private byte[] buffer = ArrayPool<byte>.Shared.Rent(Piece);
    private int length;

    public ExpositionFormat Format => format;
    public bool IsFull => length >= Piece / 2;

    public void Write(ReadOnlySpan<byte> text)
    {
        Reserve(text.Length);
        text.CopyTo(buffer.AsSpan(length));
        length += text.Length;
    }

    /// <summary>A line: name, suffix, the labels in braces if there are any, value.</summary>
    public void WriteSample(ReadOnlySpan<byte> name, ReadOnlySpan<byte> suffix, ReadOnlySpan<byte> labels,
        ReadOnlySpan<byte> lastLabel, double value)
    {
        Reserve(name.Length + suffix.Length + labels.Length + lastLabel.Length + LongestNumber + "{,} \n".Length);
        var line = buffer.AsSpan(length);
        var at = 0;
        Put(name, line, ref at);
        Put(suffix, line, ref at);
        if (labels.Length + lastLabel.Length > 0)
        {
            line[at++] = (byte)'{';
            Put(labels, line, ref at);
            if (labels.Length > 0 && lastLabel.Length > 0) line[at++] = (byte)',';
            Put(lastLabel, line, ref at);
            line[at++] = (byte)'}';
        }
        line[at++] = (byte)' ';
        at += FormatNumber(value, line[at..]);
        line[at++] = (byte)'\n';
        length += at;
    }

    public async ValueTask FlushAsync(CancellationToken cancel)
    {
        await to.WriteAsync(buffer.AsMemory(0, length), cancel).ConfigureAwait(false);
        length = 0;
    }

    public void Dispose()
    {
        ArrayPool<byte>.Shared.Return(buffer);
        buffer = [];
    }

    /// <summary>The shortest text that reads back as the same number.</summary>
    public static int FormatNumber(double value, Span<byte> into)
    {
        int written;
        // Whole numbers are most of what is exported, and much faster to print as such.
        if (Math.Abs(value) < 1e15 && value == Math.Truncate(value)) ((long)value).TryFormat(into, out written, default, CultureInfo.InvariantCulture);
        else if (double.IsPositiveInfinity(value)) written = Copy("+Inf"u8, into);
        else if (double.IsNegativeInfinity(value)) written = Copy("-Inf"u8, into);
        else if (double.IsNaN(value)) written = Copy("NaN"u8, into);
        else value.TryFormat(into, out written, default, CultureInfo.InvariantCulture);
        return written;
    }

    private static int Copy(ReadOnlySpan<byte> text, Span<byte> into)
    {
        text.CopyTo(into);
        return text.Length;
    }

    private static void Put(ReadOnlySpan<byte> text, Span<byte> line, ref int at)
    {
        text.CopyTo(line[at..]);
        at += text.Length;
    }

    private void Reserve(int count)
    {
        if (buffer.Length - length >= count) return;
        var larger = ArrayPool<byte>.Shared.Rent(Math.Max(buffer.Length * 2, length + count));
        buffer.AsSpan(0, length).CopyTo(larger);
        ArrayPool<byte>.Shared.Return(buffer);
        buffer = larger;
    }
}
