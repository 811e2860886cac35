using System.Runtime.InteropServices;
using VaeCluster.Torch.Native;

namespace VaeCluster.Torch;

/// <summary>
/// No weight changes on this thread until disposed: what a convolution derives from its weight on the CPU (another memory
/// order, the kernel for a doubled image) is kept and used again, at the cost of one more copy of the weights. The slots of a
/// step are computed inside it, and never its update.
/// </summary>
public readonly partial struct HeldWeights : IDisposable
{
    /// <summary>Null without the native library.</summary>
    public static IDisposable? Begin()
    {
        if (!NativeAdditions.Available) return null;
        NativeAdditions.Check(vct_weights_hold());
        return default(HeldWeights);
    }

    public void Dispose() => NativeAdditions.Check(vct_weights_release());

    [LibraryImport(NativeAdditions.Library)]
    private static partial int vct_weights_hold();

    [LibraryImport(NativeAdditions.Library)]
    private static partial int vct_weights_release();
}
