using System.Buffers.Binary;
using System.Numerics;
using System.Runtime.InteropServices;

namespace VaeCluster.Data.Manifests;

/// <summary>Numbers in as many bits as the largest of them needs, each readable alone: a column of the manifest.</summary>
internal static class PackedColumn
{
    // A value is read as one unaligned word: with its bit offset of up to 7 it must fit into 64 bits.
    private const int MostBits = 57;

    public static int BitsFor(ulong largest)
    {
        var bits = 64 - BitOperations.LeadingZeroCount(largest);
        return bits <= MostBits ? bits : throw new ArgumentOutOfRangeException(nameof(largest), largest, "At most 57 bits.");
    }

    /// <summary>Bytes of a column, the word behind the last value included.</summary>
    public static long Length(long count, int bits) => (count * bits + 7) / 8 + 8;

    public static void Write(Stream stream, ReadOnlySpan<long> values, int bits)
    {
        var buffer = new byte[Length(values.Length, bits)];
        for (var i = 0; i < values.Length; i++)
        {
            var bit = (long)i * bits;
            var at = buffer.AsSpan((int)(bit >> 3), 8);
            BinaryPrimitives.WriteUInt64LittleEndian(at, BinaryPrimitives.ReadUInt64LittleEndian(at) | (ulong)values[i] << (int)(bit & 7));
        }
        stream.Write(buffer);
    }

    /// <summary>The value at an index of the column that begins at the pointer.</summary>
    public static unsafe long Read(byte* column, long index, int bits)
    {
        var bit = index * bits;
        var word = MemoryMarshal.Read<ulong>(new ReadOnlySpan<byte>(column + (bit >> 3), 8));
        return (long)(word >> (int)(bit & 7) & ((1UL << bits) - 1));
    }
}
