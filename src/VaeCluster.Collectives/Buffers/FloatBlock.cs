using System.Runtime.InteropServices;

namespace VaeCluster.Collectives;

/// <summary>
/// Native floats, in the arena where there is one with room, zero at first, aligned to 64 bytes. Freed by the finalizer and in
/// no other way: a reader of the network may still be copying into a block that the exchange has given up, and each Memory of
/// it keeps it alive.
/// </summary>
internal sealed unsafe class FloatBlock
{
    private const int Alignment = 64;

    private readonly float* pointer;
    private readonly long bytes;

    /// <summary>Where it lies; null for memory of this process alone.</summary>
    private readonly IFloatArena? arena;

    public FloatBlock(long count, IFloatArena? arena = null)
    {
        Count = count;
        bytes = Math.Max(Alignment, checked(count * sizeof(float)));
        if (count > 0 && arena is not null) pointer = (float*)arena.TryAllocate(bytes);
        if (pointer != null) this.arena = arena;
        else pointer = (float*)NativeMemory.AlignedAlloc((nuint)bytes, Alignment);
        // Touches the pages here and now, not while segments arrive.
        NativeMemory.Clear(pointer, (nuint)bytes);
        GC.AddMemoryPressure(bytes);
    }

    ~FloatBlock()
    {
        if (arena is null) NativeMemory.AlignedFree(pointer);
        else arena.Free((nint)pointer, bytes);
        GC.RemoveMemoryPressure(bytes);
    }

    public long Count { get; }

    public FloatMemory View(long start, int count)
    {
        if (start < 0 || count < 0 || start + count > Count) throw new ArgumentOutOfRangeException(nameof(start));
        return new FloatMemory((nint)(pointer + start), count, this);
    }
}
