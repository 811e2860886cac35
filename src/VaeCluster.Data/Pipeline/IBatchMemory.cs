using System.Runtime.InteropServices;

namespace VaeCluster.Data.Pipeline;

/// <summary>Where batches are put together: plain memory, or a GPU host's pinned memory. Called from any thread.</summary>
public interface IBatchMemory
{
    nint Allocate(nuint bytes);

    void Free(nint memory);
}

/// <summary>Memory of the process, aligned to a cache line.</summary>
public sealed unsafe class HostMemory : IBatchMemory
{
    public nint Allocate(nuint bytes) => (nint)NativeMemory.AlignedAlloc(bytes, 64);

    public void Free(nint memory) => NativeMemory.AlignedFree((void*)memory);
}
