using System.Runtime.InteropServices;
using VaeCluster.Torch.Native;

namespace VaeCluster.Torch;

/// <summary>The native passes over flat fp32 buffers in CPU memory; see native/flat_kernels.h.</summary>
internal static unsafe partial class FlatKernels
{
    [StructLayout(LayoutKind.Sequential)]
    public struct AdamStep
    {
        public double Lr, Beta1, Beta2, Eps, WeightDecay;
        public int Decoupled;
        public long Step;
        public double GradientScale, EmaDecay;
    }

    [StructLayout(LayoutKind.Sequential)]
    public struct SgdStep
    {
        public double Lr, Momentum, WeightDecay;
        public long Step;
        public double GradientScale, EmaDecay;
    }

    public static void Adam(float* weights, float* gradient, float* mean, float* square, float* ema, long n, in AdamStep step) =>
        NativeAdditions.Check(vct_adam(weights, gradient, mean, square, ema, n, step));

    public static void Sgd(float* weights, float* gradient, float* momentum, float* ema, long n, in SgdStep step) =>
        NativeAdditions.Check(vct_sgd(weights, gradient, momentum, ema, n, step));

    public static double SumOfSquares(float* values, long n)
    {
        NativeAdditions.Check(vct_sum_of_squares(values, n, out var result));
        return result;
    }

    [LibraryImport(NativeAdditions.Library)]
    private static partial int vct_adam(float* weights, float* gradient, float* mean, float* square, float* ema, long n, in AdamStep step);

    [LibraryImport(NativeAdditions.Library)]
    private static partial int vct_sgd(float* weights, float* gradient, float* momentum, float* ema, long n, in SgdStep step);

    [LibraryImport(NativeAdditions.Library)]
    private static partial int vct_sum_of_squares(float* values, long n, out double result);
}
