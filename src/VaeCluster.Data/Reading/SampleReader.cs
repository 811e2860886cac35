using System.Collections.Concurrent;
using System.IO.Compression;
using Microsoft.Win32.SafeHandles;
using VaeCluster.Data.Manifests;

namespace VaeCluster.Data.Reading;

/// <summary>
/// The bytes of a sample, whole or an exception; for any number of threads. Everything that keeps them from being read,
/// a changed size included, is tried again for a while and then ends the slot: it never changes what is in a batch.
/// </summary>
internal sealed class SampleReader(string root, ReadOptions options, TimeProvider time) : IDisposable
{
    // Shards beyond this many are opened for each read.
    private const int MostOpen = 512;
    private readonly ConcurrentDictionary<string, SafeFileHandle> open = new(StringComparer.Ordinal);
    private readonly Dictionary<string, byte[][]> unpacked = new(StringComparer.Ordinal);

    private const int UnpackedPart = 1 << 26;

    /// <summary>Reads into the buffer, which has the entry's size.</summary>
    public void Read(in SampleEntry entry, Span<byte> buffer, CancellationToken cancellation)
    {
        var delay = options.FirstDelay;
        for (var attempt = 1; ; attempt++)
        {
            cancellation.ThrowIfCancellationRequested();
            try
            {
                ReadOnce(entry, buffer);
                return;
            }
            catch (Exception error) when (error is IOException or UnauthorizedAccessException or InvalidDataException or ObjectDisposedException)
            {
                if (open.TryRemove(entry.Path, out var handle)) handle.Dispose();
                var file = DisplayName.Of(Path.Combine(root, entry.Path));
                if (attempt >= options.Attempts) throw new SampleReadException(file, $"{file} could not be read in {attempt} attempts: {error.Message}", error);
                using var timer = new ManualResetEventSlim();
                using var set = time.CreateTimer(_ => timer.Set(), null, delay, Timeout.InfiniteTimeSpan);
                timer.Wait(cancellation);
                delay *= 2;
            }
        }
    }

    public void Dispose()
    {
        foreach (var handle in open.Values) handle.Dispose();
        open.Clear();
    }

    private void ReadOnce(in SampleEntry entry, Span<byte> buffer)
    {
        if (entry.Records is { Unpacked: > 0 })
        {
            ReadUnpacked(entry, buffer);
            return;
        }
        var shared = entry.Size != entry.FileSize;
        if (shared && open.TryGetValue(entry.Path, out var known))
        {
            ReadRange(known, entry.Offset, buffer);
            return;
        }
        var handle = File.OpenHandle(Path.Combine(root, entry.Path), FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
        var keep = false;
        try
        {
            var length = RandomAccess.GetLength(handle);
            if (length != entry.FileSize)
                throw new IOException($"it has {length:N0} bytes, and the manifest has {entry.FileSize:N0}: the data changed since they were listed");
            ReadRange(handle, entry.Offset, buffer);
            keep = shared && open.Count < MostOpen && open.TryAdd(entry.Path, handle);
        }
        finally
        {
            if (!keep) handle.Dispose();
        }
    }

    private static void ReadRange(SafeFileHandle handle, long offset, Span<byte> buffer)
    {
        while (!buffer.IsEmpty)
        {
            var read = RandomAccess.Read(handle, buffer, offset);
            if (read == 0) throw new IOException("it ends before the sample does");
            buffer = buffer[read..];
            offset += read;
        }
    }

    /// <summary>A gzip file can't be entered in the middle: it is unpacked once, into memory.</summary>
    private void ReadUnpacked(in SampleEntry entry, Span<byte> buffer)
    {
        byte[][]? parts;
        lock (unpacked)
        {
            if (!unpacked.TryGetValue(entry.Path, out parts)) unpacked[entry.Path] = parts = Unpack(entry);
        }
        var offset = entry.Offset;
        while (!buffer.IsEmpty)
        {
            var from = parts[offset / UnpackedPart].AsSpan((int)(offset % UnpackedPart));
            var count = Math.Min(from.Length, buffer.Length);
            from[..count].CopyTo(buffer);
            buffer = buffer[count..];
            offset += count;
        }
    }

    private byte[][] Unpack(in SampleEntry entry)
    {
        using var file = new FileStream(Path.Combine(root, entry.Path), FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
        if (file.Length != entry.FileSize)
            throw new IOException($"it has {file.Length:N0} bytes, and the manifest has {entry.FileSize:N0}: the data changed since they were listed");
        using var content = new GZipStream(file, CompressionMode.Decompress);
        var parts = new List<byte[]>();
        for (var left = entry.Records!.Unpacked; left > 0; left -= UnpackedPart)
        {
            var part = new byte[Math.Min(left, UnpackedPart)];
            content.ReadExactly(part);
            parts.Add(part);
        }
        return [.. parts];
    }
}
