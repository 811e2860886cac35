using System.Buffers.Binary;
using System.IO.MemoryMappedFiles;
using Microsoft.Win32.SafeHandles;

namespace VaeCluster.Checkpoints;

/// <summary>
/// A safetensors file, open for reading: mapped into memory, so that a tensor costs nothing until its bytes are touched.
/// Everything about the layout is checked when it is opened. The file must not be shortened while it is open.
/// </summary>
public sealed unsafe class SafetensorsFile : IDisposable
{
    private const int LengthBytes = 8;

    private readonly MemoryMappedFile? _map;
    private readonly MemoryMappedViewAccessor? _view;
    private readonly SafeMemoryMappedViewHandle? _handle;
    private readonly Dictionary<string, SafetensorsEntry> _byName;
    private readonly Dictionary<string, string> _metadata = [];
    private readonly byte* _data;
    private bool _disposed;

    private SafetensorsFile(string path)
    {
        Path = path;
        using (var file = File.OpenHandle(path))
        {
            var length = RandomAccess.GetLength(file);
            var header = ReadHeader(file, length);
            Tensors = SafetensorsHeader.Parse(header, length - LengthBytes - header.Length, _metadata);
            _byName = Tensors.ToDictionary(entry => entry.Name, StringComparer.Ordinal);
            var dataStart = LengthBytes + header.Length;
            if (length == dataStart) return;

            _map = MemoryMappedFile.CreateFromFile(file, null, 0, MemoryMappedFileAccess.Read, HandleInheritability.None, leaveOpen: true);
            _view = _map.CreateViewAccessor(0, length, MemoryMappedFileAccess.Read);
            _handle = _view.SafeMemoryMappedViewHandle;
            byte* start = null;
            _handle.AcquirePointer(ref start);
            _data = start + dataStart;
        }
    }

    public string Path { get; }

    /// <summary>In the order of their data.</summary>
    public IReadOnlyList<SafetensorsEntry> Tensors { get; }

    /// <summary>The file's own pairs, such as ("format", "pt").</summary>
    public IReadOnlyDictionary<string, string> Metadata => _metadata;

    /// <exception cref="SafetensorsException">The file breaks the format; the message names the file and the tensor.</exception>
    /// <exception cref="IOException">The file can't be read.</exception>
    public static SafetensorsFile Open(string path)
    {
        try
        {
            return new SafetensorsFile(path);
        }
        catch (SafetensorsException e)
        {
            throw new SafetensorsException($"{path}: {e.Message}", e);
        }
    }

    public SafetensorsEntry? Find(string name) => _byName.GetValueOrDefault(name);

    /// <summary>A tensor's bytes where they lie in the mapped file, valid until this is disposed.</summary>
    /// <param name="entry">One of <see cref="Tensors"/>.</param>
    /// <param name="offset">Bytes to leave out at its start; a span ends at 2 GiB.</param>
    public ReadOnlySpan<byte> Bytes(SafetensorsEntry entry, long offset = 0)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        if (!ReferenceEquals(Find(entry.Name), entry)) throw new ArgumentException($"{entry.Name} is not a tensor of {Path}", nameof(entry));
        ArgumentOutOfRangeException.ThrowIfNegative(offset);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(offset, entry.Length);
        return new ReadOnlySpan<byte>(_data + entry.Begin + offset, (int)Math.Min(entry.Length - offset, int.MaxValue));
    }

    /// <summary>Copies a part of a tensor.</summary>
    public void Read(SafetensorsEntry entry, long offset, Span<byte> destination)
    {
        var source = Bytes(entry, offset);
        if (source.Length < destination.Length)
            throw new ArgumentOutOfRangeException(nameof(destination), $"{entry.Name} ends before offset {offset} + {destination.Length}");
        source[..destination.Length].CopyTo(destination);
    }

    public void Dispose()
    {
        if (_disposed) return;
        _disposed = true;
        _handle?.ReleasePointer();
        _view?.Dispose();
        _map?.Dispose();
    }

    private static byte[] ReadHeader(SafeFileHandle file, long length)
    {
        Span<byte> prefix = stackalloc byte[LengthBytes];
        if (length < LengthBytes) throw new SafetensorsException($"{length} bytes are too few for a safetensors file");
        ReadExactly(file, prefix, 0);
        var headerLength = BinaryPrimitives.ReadUInt64LittleEndian(prefix);
        if (headerLength > SafetensorsHeader.LongestHeader)
            throw new SafetensorsException($"a header of {headerLength} bytes is above the limit of {SafetensorsHeader.LongestHeader}; is this a safetensors file?");
        if ((long)headerLength > length - LengthBytes)
            throw new SafetensorsException($"the file ends inside its header: {headerLength} bytes announced, {length - LengthBytes} there");
        var header = new byte[headerLength];
        ReadExactly(file, header, LengthBytes);
        return header;
    }

    private static void ReadExactly(SafeFileHandle file, Span<byte> buffer, long offset)
    {
        while (buffer.Length > 0)
        {
            var count = RandomAccess.Read(file, buffer, offset);
            if (count == 0) throw new SafetensorsException("the file got shorter while it was read");
            buffer = buffer[count..];
            offset += count;
        }
    }
}
