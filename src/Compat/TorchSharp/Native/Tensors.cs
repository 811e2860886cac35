using System.Runtime.InteropServices;

namespace TorchSharp.Internal;

/// <summary>What libtorch says about a tensor, as native/tensors.cpp lays it out.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct Description
{
    internal int Dtype;
    internal int DeviceType;
    internal int DeviceIndex;
    internal int Dimensions;
    internal long Elements;
    internal long ElementSize;
    internal long StorageOffset;
    internal int Contiguous;
    internal int RequiresGrad;
    internal int Leaf;
    internal int Padding;
}

// native/tensors.cpp
internal static unsafe partial class Native
{
    [LibraryImport(Library)]
    internal static partial int vts_tensor_describe(nint tensor, Description* result);

    [LibraryImport(Library)]
    internal static partial int vts_tensor_shape(nint tensor, long* result);

    [LibraryImport(Library)]
    internal static partial int vts_tensor_data(nint tensor, void** result);

    [LibraryImport(Library)]
    internal static partial int vts_tensor_share(nint tensor, nint* result);

    [LibraryImport(Library)]
    internal static partial void vts_tensor_delete(nint tensor);

    [LibraryImport(Library)]
    internal static partial int vts_tensor_set_requires_grad(nint tensor, int value);

    [LibraryImport(Library)]
    internal static partial int vts_tensor_retain_grad(nint tensor);

    [LibraryImport(Library)]
    internal static partial int vts_tensor_grad(nint tensor, nint* result);

    [LibraryImport(Library)]
    internal static partial int vts_tensor_set_grad(nint tensor, nint grad);

    [LibraryImport(Library)]
    internal static partial int vts_backward(
        nint tensor, nint* grads, int gradCount, nint* inputs, int inputCount, int retainGraph, int createGraph);
}
