using System.Runtime.InteropServices;

namespace TorchSharp.Internal;

/// <summary>The kinds of values that go into and come out of an operator; native/operators.cpp has the same list.</summary>
internal enum Tag { Missing, None, Tensor, Integer, Real, Boolean, Integers, Reals, Tensors, Generator, Device, Text }

/// <summary>One argument or result, as native/operators.cpp lays it out.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct Value
{
    internal Tag Tag;
    /// <summary>Length of a list or a text, index of a device.</summary>
    internal int Count;
    /// <summary>An integer, the bits of a double, or a pointer.</summary>
    internal long Bits;
}

// native/operators.cpp
internal static unsafe partial class Native
{
    [LibraryImport(Library, StringMarshalling = StringMarshalling.Utf8)]
    internal static partial int vts_operator(string name, string overload, nint* result);

    [LibraryImport(Library, StringMarshalling = StringMarshalling.Utf8)]
    internal static partial int vts_has_operator(string name, string overload, int* result);

    [LibraryImport(Library)]
    internal static partial int vts_call(nint op, Value* arguments, int count, int capacity, Value* results);
}
