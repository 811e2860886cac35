using System.Runtime.InteropServices;
using System.Security.Cryptography;

namespace VaeCluster.Worker.State;

/// <summary>
/// The whole state after so many steps, in one piece of native memory. Filled once by one thread, then only read. It is
/// freed with the last of those who hold it: its maker holds it, and everyone who called <see cref="TryHold"/>; each of
/// them disposes it once.
/// </summary>
public sealed unsafe class StateSnapshot : IDisposable
{
    /// <summary>What is hashed and sent as one.</summary>
    public const int PieceBytes = 1 << 20;

    private readonly byte* memory;
    private readonly byte[]?[] hashes;
    private int holders = 1;

    public StateSnapshot(StateLayout layout, long completedSteps)
    {
        ArgumentNullException.ThrowIfNull(layout);
        ArgumentOutOfRangeException.ThrowIfNegative(completedSteps);
        (Layout, CompletedSteps) = (layout, completedSteps);
        hashes = new byte[]?[(layout.TotalBytes + PieceBytes - 1) / PieceBytes];
        memory = (byte*)NativeMemory.AlignedAlloc((nuint)layout.TotalBytes, 64);
        // What lies between the parts is sent as well.
        foreach (var part in layout.Parts) NativeMemory.Clear(memory + part.Offset + part.Bytes, (nuint)(-part.Bytes & 63));
    }

    public StateLayout Layout { get; }

    /// <summary>It is the state after so many steps of the run.</summary>
    public long CompletedSteps { get; }

    public int Pieces => hashes.Length;

    /// <summary>A part's address; its length is that of the layout.</summary>
    public nint AddressOf(string part) => (nint)(memory + Layout[part].Offset);

    /// <summary>A part of at most 2 GiB.</summary>
    public Span<byte> this[string part] => new((void*)AddressOf(part), checked((int)Layout[part].Bytes));

    /// <summary>Copies a whole part in.</summary>
    public void Write(string part, nint source) => Copy(source, AddressOf(part), Layout[part].Bytes);

    /// <summary>Copies a whole part out.</summary>
    public void Read(string part, nint destination) => Copy(AddressOf(part), destination, Layout[part].Bytes);

    /// <summary>Keeps it alive until one more Dispose; false when it is gone already.</summary>
    public bool TryHold()
    {
        for (var seen = Volatile.Read(ref holders); seen > 0;)
        {
            var now = Interlocked.CompareExchange(ref holders, seen + 1, seen);
            if (now == seen) return true;
            seen = now;
        }
        return false;
    }

    public void Dispose()
    {
        if (Interlocked.Decrement(ref holders) == 0) NativeMemory.AlignedFree(memory);
    }

    /// <summary>Whether somebody beside its keeper holds it.</summary>
    internal bool IsShared => Volatile.Read(ref holders) > 1;

    /// <summary>SHA-256 of all bytes.</summary>
    public byte[] Hash()
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        for (var piece = 0; piece < Pieces; piece++) hash.AppendData(Bytes((long)piece * PieceBytes, LengthOf(piece)));
        return hash.GetHashAndReset();
    }

    /// <summary>SHA-256 of a piece, computed when it is first asked for.</summary>
    internal byte[] HashOf(int piece) => hashes[piece] ??= SHA256.HashData(Bytes((long)piece * PieceBytes, LengthOf(piece)));

    internal int LengthOf(int piece) => (int)Math.Min(PieceBytes, Layout.TotalBytes - (long)piece * PieceBytes);

    internal Span<byte> Bytes(long offset, int length)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(offset);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(offset + length, Layout.TotalBytes);
        return new(memory + offset, length);
    }

    /// <summary>A piece as memory, for who holds the snapshot as long as it is in use.</summary>
    internal ReadOnlyMemory<byte> Memory(int piece) => new Protocol.Segments.NativeBuffer((nint)(memory + (long)piece * PieceBytes), LengthOf(piece)).Memory;

    private static void Copy(nint from, nint to, long bytes) => Buffer.MemoryCopy((void*)from, (void*)to, bytes, bytes);
}
