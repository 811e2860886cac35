using System.Runtime.Intrinsics;

namespace VaeCluster.Collectives;

/// <summary>Sums of two fp32 operands: one rounding each, so the same bits at any vector width.</summary>
internal static unsafe class FloatSum
{
    /// <summary>sum = left + right. The sum may be either operand.</summary>
    public static void Add(float* left, float* right, float* sum, int count)
    {
        var i = 0;
        for (; i <= count - 2 * Vector256<float>.Count; i += 2 * Vector256<float>.Count)
        {
            var first = Vector256.Load(left + i) + Vector256.Load(right + i);
            var second = Vector256.Load(left + i + Vector256<float>.Count) + Vector256.Load(right + i + Vector256<float>.Count);
            first.Store(sum + i);
            second.Store(sum + i + Vector256<float>.Count);
        }
        for (; i < count; i++) sum[i] = left[i] + right[i];
    }
}
