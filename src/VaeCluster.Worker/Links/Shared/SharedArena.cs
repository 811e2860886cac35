using System.Security.Cryptography;
using VaeCluster.Collectives;

namespace VaeCluster.Worker.Links.Shared;

/// <summary>
/// The memory of this process that members of the same host read in place. It has no name in any file system, so nothing of it
/// is left when the processes are gone, however they end; and no limit but the machine's memory.
/// <code>
/// page 0   the bell, which peers ring: the one page that they can write to
/// page 1   the token: whoever finds it here has mapped the memory that was meant
/// beyond   floats and rings, taken from the machine block by block and given back
/// </code>
/// </summary>
internal sealed unsafe class SharedArena : IFloatArena, IDisposable
{
    public const string Name = "vaecluster";
    public const int TokenBytes = 32;
    public const int TokenOffset = Libc.PageBytes;
    private const long HeapOffset = 2 * Libc.PageBytes;

    private readonly Lock gate = new();
    private readonly byte* start;
    private readonly Action<string> noRoom;

    /// <summary>What is free, by offset; neighbours are one.</summary>
    private readonly SortedList<long, long> free = [];
    private int blocks;
    private bool disposed;
    private bool saidNoRoom;

    /// <param name="bytes">The most that it can hold, rounded up to pages. Only what is in use is taken from the machine.</param>
    /// <param name="noRoom">Told once, with the reason, that something had no room: it travels by gRPC then.</param>
    /// <exception cref="IOException">This machine gives none.</exception>
    public SharedArena(long bytes, Action<string> noRoom)
    {
        if (!Libc.IsSupported) throw new IOException("Shared memory is for Linux on x64 and arm64.");
        this.noRoom = noRoom;
        Bytes = Pages(bytes) + HeapOffset;
        Descriptor = Libc.CreateMemory(Name, Bytes);
        try
        {
            if (!Libc.TryReserve(Descriptor, 0, HeapOffset)) throw new IOException("There is no memory left to be shared.");
            start = (byte*)Libc.Map(Descriptor, Bytes, writable: true);
        }
        catch
        {
            Libc.Close(Descriptor);
            throw;
        }
        Token = RandomNumberGenerator.GetBytes(TokenBytes);
        Token.CopyTo(new Span<byte>(start + TokenOffset, TokenBytes));
        free.Add(HeapOffset, Bytes - HeapOffset);
    }

    public int Descriptor { get; }

    public long Bytes { get; }

    public byte[] Token { get; }

    public Bell Bell => new(start);

    /// <summary>In use, beside the first pages.</summary>
    public long Used
    {
        get
        {
            lock (gate) return Bytes - HeapOffset - free.Values.Sum();
        }
    }

    public byte* At(long offset) => start + offset;

    /// <returns>The offset of these bytes; -1 where they do not lie in it.</returns>
    public long OffsetOf(nint address, long bytes)
    {
        var offset = address - (nint)start;
        return offset >= HeapOffset && bytes <= Bytes - offset ? offset : -1;
    }

    public nint TryAllocate(long bytes)
    {
        var length = Pages(bytes);
        var reason = $"it holds {Bytes} bytes at most";
        lock (gate)
        {
            if (disposed) return 0;
            for (var i = 0; i < free.Count; i++)
            {
                var (offset, room) = (free.GetKeyAtIndex(i), free.GetValueAtIndex(i));
                if (room < length) continue;
                if (!Libc.TryReserve(Descriptor, offset, length))
                {
                    Libc.Release(Descriptor, offset, length);
                    reason = "the machine gives no more";
                    break;
                }
                free.RemoveAt(i);
                if (room > length) free.Add(offset + length, room - length);
                blocks++;
                return (nint)(start + offset);
            }
            if (saidNoRoom) return 0;
            saidNoRoom = true;
        }
        noRoom($"{bytes} bytes have no room in shared memory: {reason}.");
        return 0;
    }

    public void Free(nint address, long bytes)
    {
        var (offset, length) = (address - (nint)start, Pages(bytes));
        lock (gate)
        {
            Libc.Release(Descriptor, offset, length);
            free.Add(offset, length);
            var at = free.IndexOfKey(offset);
            if (at + 1 < free.Count && free.GetKeyAtIndex(at + 1) == offset + length)
            {
                free.SetValueAtIndex(at, length + free.GetValueAtIndex(at + 1));
                free.RemoveAt(at + 1);
            }
            if (at > 0 && free.GetKeyAtIndex(at - 1) + free.GetValueAtIndex(at - 1) == offset)
            {
                free.SetValueAtIndex(at - 1, free.GetValueAtIndex(at - 1) + free.GetValueAtIndex(at));
                free.RemoveAt(at);
            }
            blocks--;
            UnmapIfUnused();
        }
    }

    /// <summary>Nothing is allocated any more; what still is, stays until it is freed.</summary>
    public void Dispose()
    {
        lock (gate)
        {
            if (disposed) return;
            disposed = true;
            UnmapIfUnused();
        }
    }

    private void UnmapIfUnused()
    {
        if (!disposed || blocks > 0) return;
        Libc.Unmap((nint)start, Bytes);
        Libc.Close(Descriptor);
    }

    private static long Pages(long bytes) => (bytes + Libc.PageBytes - 1) / Libc.PageBytes * Libc.PageBytes;
}
