using System.IO.MemoryMappedFiles;
using System.Runtime.InteropServices;

namespace VaeCluster.Data.Cache;

/// <summary>
/// Which images a cache has, and where: a mapped file that all processes of this machine write into. Room is handed out
/// by one atomic addition to whoever claimed the image's entry, which appears by one atomic store after its pixels were
/// written. A process that is killed in between leaves some unused room, nothing else.
/// </summary>
internal sealed unsafe class CacheIndex : IDisposable
{
    private const ulong MagicNumber = 0x3130484341434156; // "VACACH01"

    /// <summary>How long one process has an entry to itself: filling it is a write into the page cache.</summary>
    private const uint ClaimMilliseconds = 1000;

    private readonly MemoryMappedFile mapping;
    private readonly MemoryMappedViewAccessor view;
    private readonly byte* start;

    [StructLayout(LayoutKind.Sequential)]
    private struct Header
    {
        public ulong Magic;
        public long Count;
        public long Allocated;
        public long Unused;
    }

    [StructLayout(LayoutKind.Sequential)]
    internal struct Entry
    {
        /// <summary>Where the pixels begin, plus one; 0 while there are none.</summary>
        public long Place;
        public uint Checksum;
        public int Width, Height;
        /// <summary>When a process last set out to fill it: milliseconds since 1970, their lower 32 bits.</summary>
        public uint Claimed;
    }

    private CacheIndex(string path, long count)
    {
        using var stream = new FileStream(path, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite | FileShare.Delete);
        if (stream.Length != SizeOf(count)) throw new IOException("its index has another size than its data set asks for");
        mapping = MemoryMappedFile.CreateFromFile(stream, null, 0, MemoryMappedFileAccess.ReadWrite, HandleInheritability.None, leaveOpen: true);
        view = mapping.CreateViewAccessor(0, 0, MemoryMappedFileAccess.ReadWrite);
        view.SafeMemoryMappedViewHandle.AcquirePointer(ref start);
        var header = (Header*)start;
        if (header->Magic == MagicNumber && header->Count == count) return;
        Dispose();
        throw new IOException("its index is damaged");
    }

    /// <summary>Bytes handed out so far.</summary>
    public long Allocated => Volatile.Read(ref ((Header*)start)->Allocated);

    /// <summary>Opens the index; makes it, complete or not at all, when there is none.</summary>
    public static CacheIndex Open(string path, long count)
    {
        if (!File.Exists(path))
        {
            var temporary = $"{path}.{Environment.ProcessId}.{Guid.NewGuid():N}.tmp";
            try
            {
                // All of its blocks are allocated here: a store into a mapping can't report that the disk is full.
                using (var file = new FileStream(temporary, new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.ReadWrite, PreallocationSize = SizeOf(count) }))
                {
                    var header = new Header { Magic = MagicNumber, Count = count };
                    file.Write(new ReadOnlySpan<byte>(&header, sizeof(Header)));
                    file.SetLength(SizeOf(count));
                }
                File.Move(temporary, path, overwrite: false);
            }
            catch (IOException) when (File.Exists(path))
            {
                // Another process was first.
            }
            finally
            {
                File.Delete(temporary);
            }
        }
        return new CacheIndex(path, count);
    }

    /// <summary>Bytes that a cache's index file says were handed out; 0 when it says nothing.</summary>
    public static long AllocatedIn(string path)
    {
        using var file = File.OpenHandle(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
        Header header;
        var read = RandomAccess.Read(file, new Span<byte>(&header, sizeof(Header)), 0);
        return read == sizeof(Header) && header.Magic == MagicNumber ? header.Allocated : 0;
    }

    public bool TryGet(long sample, out Entry entry)
    {
        var at = At(sample);
        var place = Volatile.Read(ref at->Place);
        entry = *at;
        entry.Place = place;
        return place != 0;
    }

    /// <summary>
    /// True for the one of all processes that may fill an image's entry: were two to do so, the second's room would be lost
    /// to another image. Void after a second, for its process may have been killed.
    /// </summary>
    public bool TryClaim(long sample)
    {
        var at = At(sample);
        var claimed = Volatile.Read(ref at->Claimed);
        var now = unchecked((uint)DateTimeOffset.UtcNow.ToUnixTimeMilliseconds());
        if (Volatile.Read(ref at->Place) != 0 || unchecked(now - claimed) < ClaimMilliseconds) return false;
        return Interlocked.CompareExchange(ref at->Claimed, now, claimed) == claimed;
    }

    /// <summary>Room for so many bytes; the offset, or -1 when the limit is reached.</summary>
    public long Allocate(long bytes, long limit)
    {
        if (Allocated + bytes > limit) return -1;
        var end = Interlocked.Add(ref ((Header*)start)->Allocated, bytes);
        return end <= limit ? end - bytes : -1;
    }

    public void Publish(long sample, long offset, uint checksum, int width, int height)
    {
        var at = At(sample);
        // Where a claim took too long and became void, twice: the same numbers but for the place.
        (at->Checksum, at->Width, at->Height) = (checksum, width, height);
        Volatile.Write(ref at->Place, offset + 1);
    }

    /// <summary>Forgets an image whose pixels are not what was written.</summary>
    public void Remove(long sample)
    {
        Volatile.Write(ref At(sample)->Place, 0);
        Volatile.Write(ref At(sample)->Claimed, 0);
    }

    public void Dispose()
    {
        view.SafeMemoryMappedViewHandle.ReleasePointer();
        view.Dispose();
        mapping.Dispose();
    }

    private Entry* At(long sample) => (Entry*)(start + sizeof(Header)) + sample;

    private static long SizeOf(long count) => sizeof(Header) + count * sizeof(Entry);
}
