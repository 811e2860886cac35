using System.Buffers;
using Microsoft.AspNetCore.Connections;

namespace VaeCluster.Protocol.Transport;

/// <summary>
/// Kestrel's memory in blocks of 64 KiB instead of 4: a segment of 512 KiB is then eight blocks, not 128, which doubles
/// what one connection carries. Blocks are pinned for their life, because sockets would pin them for each operation.
/// </summary>
internal sealed class PinnedBlockPool(PinnedBlockPoolFactory factory) : MemoryPool<byte>
{
    public const int BlockBytes = 64 * 1024;

    /// <summary>Blocks kept for the next renter: 64 MiB. More are left to the garbage collector.</summary>
    private const int MostKept = 1024;

    // The block that came back last goes out first: it is the one that the caches still hold.
    private readonly Stack<Block> free = [];
    private readonly Lock gate = new();
    private bool disposed;

    public override int MaxBufferSize => BlockBytes;

    public override IMemoryOwner<byte> Rent(int minBufferSize = -1)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(minBufferSize, BlockBytes);
        Block? block;
        lock (gate)
        {
            ObjectDisposedException.ThrowIf(disposed, this);
            free.TryPop(out block);
        }
        factory.Count(+1);
        if (block is null) return new Block(this);
        block.Taken();
        return block;
    }

    /// <summary>Blocks may still come back afterwards: connections outlive the pool for a moment when a server stops.</summary>
    protected override void Dispose(bool disposing)
    {
        lock (gate)
        {
            disposed = true;
            free.Clear();
        }
    }

    private void Return(Block block)
    {
        factory.Count(-1);
        lock (gate)
        {
            if (!disposed && free.Count < MostKept) free.Push(block);
        }
    }

    private sealed class Block(PinnedBlockPool pool) : IMemoryOwner<byte>
    {
        private readonly byte[] bytes = GC.AllocateUninitializedArray<byte>(BlockBytes, pinned: true);
        private int isFree;

        public Memory<byte> Memory => System.Runtime.InteropServices.MemoryMarshal.CreateFromPinnedArray(bytes, 0, bytes.Length);

        public void Taken() => Volatile.Write(ref isFree, 0);

        public void Dispose()
        {
            if (Interlocked.Exchange(ref isFree, 1) == 0) pool.Return(this);
        }
    }
}

/// <summary>What Kestrel asks for its pools.</summary>
public sealed class PinnedBlockPoolFactory : IMemoryPoolFactory<byte>
{
    private int rented;

    /// <summary>Blocks of 64 KiB in use now, in all pools; none when every connection is gone.</summary>
    public int RentedBlocks => Volatile.Read(ref rented);

    public MemoryPool<byte> Create(MemoryPoolOptions? options = null) => new PinnedBlockPool(this);

    internal void Count(int change) => Interlocked.Add(ref rented, change);
}
