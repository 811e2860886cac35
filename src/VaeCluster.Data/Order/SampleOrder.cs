using System.Runtime.CompilerServices;

namespace VaeCluster.Data.Order;

/// <summary>
/// A permutation of [0, n), keyed and evaluated at an index, so that no worker holds a list: a Feistel network on
/// Z_a x Z_b with a*b just above n (Black and Rogaway, "Ciphers with arbitrary finite domains", 2002), walked along its
/// cycle until it is back inside. a and b are even: with odd sides the rounds would reach even permutations only.
/// </summary>
public readonly struct SampleOrder
{
    // Enough for the smallest domains, where each round moves few elements; a test counts the permutations of 2 to 6.
    private const int Rounds = 16;

    private readonly ulong key;
    private readonly ulong a, b;

    private SampleOrder(ulong key, long count)
    {
        if (count is < 0 or > 1L << 60) throw new ArgumentOutOfRangeException(nameof(count), count, "0 to 2^60 samples.");
        this.key = key;
        Count = count;
        a = Even((ulong)Math.Ceiling(Math.Sqrt(count)));
        b = Even(((ulong)count + a - 1) / Math.Max(a, 1));
    }

    /// <summary>The order of one epoch.</summary>
    public SampleOrder(ulong seed, long epoch, long count) : this(Mixing.Key(Purpose.EpochOrder, seed, (ulong)epoch), count) { }

    /// <summary>An order for another purpose.</summary>
    internal static SampleOrder For(Purpose purpose, ulong seed, ulong which, long count) =>
        new(Mixing.Key(purpose, seed, which), count);

    public long Count { get; }

    /// <summary>The sample at a position of the order.</summary>
    public long this[long position]
    {
        get
        {
            if ((ulong)position >= (ulong)Count) throw new ArgumentOutOfRangeException(nameof(position), position, $"The order has {Count} positions.");
            if (Count <= 1) return position;
            var value = (ulong)position;
            do value = Permute(value);
            while (value >= (ulong)Count);
            return (long)value;
        }
    }

    private ulong Permute(ulong value)
    {
        var left = value / b;
        var right = value - left * b;
        for (var round = 0UL; round < Rounds; round += 2)
        {
            left += Draw(round, right, a);
            if (left >= a) left -= a;
            right += Draw(round + 1, left, b);
            if (right >= b) right -= b;
        }
        return left * b + right;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private ulong Draw(ulong round, ulong half, ulong bound)
    {
        // half < 2^31: round and half never meet in the sum.
        var mixed = Mixing.Finalize(key + (round << 40) + half);
        return ((mixed >> 32) * bound) >> 32;
    }

    private static ulong Even(ulong value) => Math.Max(2, value + (value & 1));
}
