using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace VaeCluster.Collectives;

/// <summary>
/// fp32 to bfloat16 (the upper half of an fp32) and back. Rounds to nearest, ties to even; what is beyond the largest
/// bfloat16 becomes infinite; a NaN stays one, quiet, with the upper bits of its payload.
/// </summary>
internal static unsafe class Bfloat16
{
    private const uint JustBelowHalf = 0x7fff;
    private const uint QuietBit = 0x0040_0000;

    public static void Round(float* source, ushort* destination, int count)
    {
        var i = 0;
        for (; i <= count - Vector256<ushort>.Count; i += Vector256<ushort>.Count)
        {
            Vector256.Narrow(Round(Vector256.Load(source + i)), Round(Vector256.Load(source + i + Vector256<float>.Count))).Store(destination + i);
        }
        for (; i < count; i++) destination[i] = Round(source[i]);
    }

    /// <summary>The source may be the upper half of the destination: values are read before their place is written.</summary>
    public static void Widen(ushort* source, float* destination, int count)
    {
        var i = 0;
        for (; i <= count - Vector256<ushort>.Count; i += Vector256<ushort>.Count)
        {
            var (lower, upper) = Vector256.Widen(Vector256.Load(source + i));
            (lower << 16).Store((uint*)destination + i);
            (upper << 16).Store((uint*)destination + i + Vector256<uint>.Count);
        }
        for (; i < count; i++) destination[i] = BitConverter.UInt32BitsToSingle((uint)source[i] << 16);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<uint> Round(Vector256<float> values)
    {
        var bits = values.AsUInt32();
        var rounded = bits + Vector256.Create(JustBelowHalf) + ((bits >> 16) & Vector256<uint>.One);
        var numbers = Vector256.Equals(values, values).AsUInt32();
        return Vector256.ConditionalSelect(numbers, rounded, bits | Vector256.Create(QuietBit)) >> 16;
    }

    private static ushort Round(float value)
    {
        var bits = BitConverter.SingleToUInt32Bits(value);
        return (ushort)((float.IsNaN(value) ? bits | QuietBit : bits + JustBelowHalf + (bits >> 16 & 1)) >> 16);
    }
}
