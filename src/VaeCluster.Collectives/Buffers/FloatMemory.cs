using System.Buffers;

namespace VaeCluster.Collectives;

/// <summary>
/// Floats at a fixed address (a part of a tensor's storage, or of a buffer of the exchange), as bytes for the links. Made
/// once per place and used in every step.
/// </summary>
public sealed unsafe class FloatMemory : MemoryManager<byte>
{
    /// <summary>Because a Memory counts bytes in an int.</summary>
    public const int LongestCount = int.MaxValue / sizeof(float);

    /// <summary>Keeps the storage alive as long as somebody holds this, or a Memory from it.</summary>
    private readonly object? owner;

    /// <param name="address">Aligned to 4 bytes at least; 64 is best.</param>
    /// <param name="count">In floats.</param>
    /// <param name="owner">What has to stay reachable for the address to stay valid.</param>
    public FloatMemory(nint address, int count, object? owner = null)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(count);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(count, LongestCount);
        if (address % sizeof(float) != 0) throw new ArgumentException("The address is not that of a float.", nameof(address));
        if (address == 0 && count > 0) throw new ArgumentNullException(nameof(address));
        Pointer = (float*)address;
        Count = count;
        this.owner = owner;
    }

    public int Count { get; }

    public nint Address => (nint)Pointer;

    public Span<float> Floats => new(Pointer, Count);

    internal float* Pointer { get; }

    /// <summary>A part of it, both numbers in bytes.</summary>
    public Memory<byte> Bytes(int start, int length) => CreateMemory(start, length);

    /// <summary>Floats of its own, zero, aligned to 64 bytes; freed when nobody holds them any more.</summary>
    /// <param name="count">In floats.</param>
    /// <param name="arena">Where other members of this host can read them in place; null for memory of this process alone.</param>
    public static FloatMemory Allocate(int count, IFloatArena? arena = null)
    {
        var block = new FloatBlock(count, arena);
        return block.View(0, count);
    }

    public override Span<byte> GetSpan() => new(Pointer, Count * sizeof(float));

    public override MemoryHandle Pin(int elementIndex = 0) => new((byte*)Pointer + elementIndex);

    public override void Unpin()
    {
        // It never moves.
    }

    public override string ToString() => $"{Count} floats at 0x{Address:x}";

    protected override void Dispose(bool disposing) => GC.KeepAlive(owner);
}
