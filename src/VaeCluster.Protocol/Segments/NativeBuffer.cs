using System.Buffers;

namespace VaeCluster.Protocol.Segments;

/// <summary>
/// Memory over bytes that native code owns, such as a tensor's: what segments are written from and read into. It does not
/// free them; whoever made it keeps them alive while any <see cref="Memory{T}"/> of it is in use.
/// </summary>
public sealed unsafe class NativeBuffer(nint address, int length) : MemoryManager<byte>
{
    private readonly int length = length >= 0 ? length : throw new ArgumentOutOfRangeException(nameof(length));

    public override Span<byte> GetSpan() => new((void*)address, length);

    public override MemoryHandle Pin(int elementIndex = 0)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan((uint)elementIndex, (uint)length);
        return new MemoryHandle((byte*)address + elementIndex);
    }

    public override void Unpin()
    {
    }

    protected override void Dispose(bool disposing)
    {
    }
}
