using System.Runtime.InteropServices;
using VaeCluster.Torch.Native;
using static TorchSharp.torch;

namespace VaeCluster.Torch;

/// <summary>Tensors in memory that libtorch did not allocate, on the CPU. Needs the native library.</summary>
/// <param name="Address">Of the first float, aligned to 64 bytes.</param>
/// <param name="Owner">Has to stay reachable for as long as the tensor, or a view of it, is used.</param>
public sealed partial record ExternalMemory(nint Address, object Owner)
{
    public static bool IsAvailable => NativeAdditions.Available;

    /// <summary>The floats there, as they are. [count]</summary>
    internal Tensor ToTensor(long count)
    {
        var tensor = empty(0).DetachFromDisposeScope();
        NativeAdditions.Check(vct_place(tensor.Handle, Address, count));
        return tensor;
    }

    [LibraryImport(NativeAdditions.Library)]
    private static partial int vct_place(nint tensor, nint address, long n);
}
