using System.Runtime.CompilerServices;

namespace Prometheus;

/// <summary>A double that many threads change without a lock.</summary>
internal struct AtomicDouble
{
    // Bits, because compare-and-exchange of a NaN would never find it equal.
    private long bits;

    public double Value
    {
        readonly get => BitConverter.Int64BitsToDouble(Volatile.Read(in bits));
        set => Volatile.Write(ref bits, BitConverter.DoubleToInt64Bits(value));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Add(double increment)
    {
        var seen = Volatile.Read(in bits);
        while (true)
        {
            var wanted = BitConverter.DoubleToInt64Bits(BitConverter.Int64BitsToDouble(seen) + increment);
            var found = Interlocked.CompareExchange(ref bits, wanted, seen);
            if (found == seen) return;
            seen = found;
        }
    }

    /// <summary>Raises the value to the target, unless it is there already.</summary>
    public void RaiseTo(double target)
    {
        while (true)
        {
            var seen = Volatile.Read(in bits);
            if (BitConverter.Int64BitsToDouble(seen) >= target) return;
            if (Interlocked.CompareExchange(ref bits, BitConverter.DoubleToInt64Bits(target), seen) == seen) return;
        }
    }

    /// <summary>Lowers the value to the target, unless it is there already.</summary>
    public void LowerTo(double target)
    {
        while (true)
        {
            var seen = Volatile.Read(in bits);
            if (BitConverter.Int64BitsToDouble(seen) <= target) return;
            if (Interlocked.CompareExchange(ref bits, BitConverter.DoubleToInt64Bits(target), seen) == seen) return;
        }
    }
}
