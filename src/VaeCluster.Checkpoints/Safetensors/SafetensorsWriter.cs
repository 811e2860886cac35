using System.Buffers.Binary;
using System.Text.Json;

namespace VaeCluster.Checkpoints;

/// <summary>
/// Writes a safetensors file in one pass: the header from the declarations, then the tensors' bytes in the same order,
/// in pieces of any size. Nothing is held in memory. The caller names the file, and renames it when it is complete.
/// </summary>
public sealed class SafetensorsWriter : IDisposable
{
    private readonly Stream _stream;
    private readonly bool _leaveOpen;
    private readonly List<(string Name, long Length)> _tensors = [];
    private int _current;
    private long _written;

    /// <summary>Writes the header.</summary>
    /// <param name="stream">Only written to, at its present position.</param>
    /// <param name="tensors">In the order in which their bytes will come.</param>
    /// <param name="metadata">The file's own pairs.</param>
    /// <param name="leaveOpen">The stream outlives this.</param>
    public SafetensorsWriter(
        Stream stream, IEnumerable<SafetensorsDeclaration> tensors, IReadOnlyDictionary<string, string>? metadata = null, bool leaveOpen = false)
    {
        _stream = stream;
        _leaveOpen = leaveOpen;
        WriteHeader(tensors, metadata);
        SkipEmpty();
    }

    /// <summary>The next bytes of the tensor whose turn it is; a piece does not reach into the next tensor.</summary>
    /// <param name="name">Checked against the declarations, so that a mixed-up order can't write wrong weights.</param>
    /// <param name="bytes">Little-endian values in row-major order.</param>
    public void Write(string name, ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length == 0) return;
        if (_current == _tensors.Count) throw new InvalidOperationException($"{name}: all declared tensors are written");
        var (expected, length) = _tensors[_current];
        if (name != expected) throw new InvalidOperationException($"{name}: it is the turn of {expected}");
        if (bytes.Length > length - _written) throw new InvalidOperationException($"{name}: more bytes than its declaration has");
        _stream.Write(bytes);
        _written += bytes.Length;
        if (_written < length) return;
        _current++;
        _written = 0;
        SkipEmpty();
    }

    /// <summary>Flushes; fails where a tensor is missing.</summary>
    public void Complete()
    {
        if (_current < _tensors.Count) throw new InvalidOperationException($"{_tensors[_current].Name}: its bytes are missing");
        _stream.Flush();
    }

    public void Dispose()
    {
        if (!_leaveOpen) _stream.Dispose();
    }

    private void SkipEmpty()
    {
        while (_current < _tensors.Count && _tensors[_current].Length == 0) _current++;
    }

    private void WriteHeader(IEnumerable<SafetensorsDeclaration> tensors, IReadOnlyDictionary<string, string>? metadata)
    {
        using var header = new MemoryStream();
        using (var json = new Utf8JsonWriter(header))
        {
            json.WriteStartObject();
            if (metadata is { Count: > 0 }) WriteMetadata(json, metadata);
            var names = new HashSet<string>(StringComparer.Ordinal) { SafetensorsHeader.MetadataName };
            long at = 0;
            foreach (var tensor in tensors)
            {
                if (!names.Add(tensor.Name)) throw new ArgumentException($"{tensor.Name}: declared twice, or reserved", nameof(tensors));
                var length = LengthOf(tensor);
                WriteEntry(json, tensor, at, at + length);
                _tensors.Add((tensor.Name, length));
                at = checked(at + length);
            }
            json.WriteEndObject();
        }
        // The data starts at a multiple of 8.
        while (header.Length % 8 != 0) header.WriteByte((byte)' ');
        if (header.Length > SafetensorsHeader.LongestHeader)
            throw new ArgumentException($"the header would take {header.Length} bytes, above the format's limit", nameof(tensors));

        Span<byte> prefix = stackalloc byte[8];
        BinaryPrimitives.WriteUInt64LittleEndian(prefix, (ulong)header.Length);
        _stream.Write(prefix);
        header.WriteTo(_stream);
    }

    private static void WriteMetadata(Utf8JsonWriter json, IReadOnlyDictionary<string, string> metadata)
    {
        json.WriteStartObject(SafetensorsHeader.MetadataName);
        foreach (var (key, value) in metadata.OrderBy(pair => pair.Key, StringComparer.Ordinal)) json.WriteString(key, value);
        json.WriteEndObject();
    }

    private static void WriteEntry(Utf8JsonWriter json, SafetensorsDeclaration tensor, long begin, long end)
    {
        json.WriteStartObject(tensor.Name);
        json.WriteString("dtype", tensor.Type.NameOf());
        json.WriteStartArray("shape");
        foreach (var size in tensor.Shape) json.WriteNumberValue(size);
        json.WriteEndArray();
        json.WriteStartArray("data_offsets");
        json.WriteNumberValue(begin);
        json.WriteNumberValue(end);
        json.WriteEndArray();
        json.WriteEndObject();
    }

    private static long LengthOf(SafetensorsDeclaration tensor)
    {
        long length = tensor.Type.SizeOf();
        foreach (var size in tensor.Shape)
        {
            ArgumentOutOfRangeException.ThrowIfNegative(size);
            length = checked(length * size);
        }
        return length;
    }
}
