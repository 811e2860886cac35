using System.Diagnostics;
using System.Runtime.InteropServices;

namespace Benchmarks;

/// <summary>A plain copy, between two places that were written to before.</summary>
internal sealed unsafe class PlainCopy : IDisposable
{
    private readonly long bytes;
    private readonly byte* from, to;

    public PlainCopy(long bytes)
    {
        this.bytes = bytes;
        from = (byte*)NativeMemory.Alloc((nuint)bytes);
        to = (byte*)NativeMemory.Alloc((nuint)bytes);
        NativeMemory.Fill(from, (nuint)bytes, 1);
        NativeMemory.Fill(to, (nuint)bytes, 2);
    }

    /// <summary>Milliseconds.</summary>
    public double Run()
    {
        var begun = Stopwatch.GetTimestamp();
        Buffer.MemoryCopy(from, to, bytes, bytes);
        return Stopwatch.GetElapsedTime(begun).TotalMilliseconds;
    }

    public void Dispose()
    {
        NativeMemory.Free(from);
        NativeMemory.Free(to);
    }
}
