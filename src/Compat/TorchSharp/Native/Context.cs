using System.Runtime.InteropServices;

namespace TorchSharp.Internal;

// native/context.cpp
internal static unsafe partial class Native
{
    [LibraryImport(Library)]
    private static partial int vts_live_objects(long* result);

    [LibraryImport(Library)]
    private static partial int vts_version(byte** result);

    [LibraryImport(Library)]
    internal static partial int vts_generator_default(int deviceType, int deviceIndex, nint* result);

    [LibraryImport(Library)]
    internal static partial int vts_generator_new(ulong seed, int deviceType, int deviceIndex, nint* result);

    [LibraryImport(Library)]
    internal static partial void vts_generator_delete(nint generator);

    [LibraryImport(Library)]
    internal static partial int vts_generator_set_seed(nint generator, ulong seed);

    [LibraryImport(Library)]
    internal static partial int vts_generator_current_seed(nint generator, ulong* result);

    [LibraryImport(Library)]
    internal static partial int vts_generator_random_seed(nint generator, ulong* result);

    [LibraryImport(Library)]
    internal static partial int vts_generator_state(nint generator, nint* result);

    [LibraryImport(Library)]
    internal static partial int vts_generator_set_state(nint generator, nint state);

    [LibraryImport(Library)]
    internal static partial int vts_manual_seed(ulong seed);

    [LibraryImport(Library)]
    private static partial int vts_grad_mode(int* result);

    [LibraryImport(Library)]
    private static partial int vts_set_grad_mode(int enabled);

    [LibraryImport(Library)]
    private static partial int vts_threads(int* result);

    [LibraryImport(Library)]
    internal static partial int vts_set_threads(int count);

    [LibraryImport(Library)]
    private static partial int vts_interop_threads(int* result);

    [LibraryImport(Library)]
    internal static partial int vts_set_interop_threads(int count);

    [LibraryImport(Library)]
    private static partial int vts_cuda_device_count(int* result);

    [LibraryImport(Library)]
    internal static partial int vts_cuda_synchronize(long deviceIndex);

    /// <summary>Native tensors and generators that C# holds.</summary>
    internal static long LiveObjects
    {
        get
        {
            long count;
            Check(vts_live_objects(&count));
            return count;
        }
    }

    /// <summary>The version of libtorch that the native library was compiled with.</summary>
    internal static string Version
    {
        get
        {
            byte* text;
            Check(vts_version(&text));
            return Marshal.PtrToStringUTF8((nint)text)!;
        }
    }

    /// <summary>Whether operations are recorded for backward, on this thread.</summary>
    internal static bool GradMode
    {
        get
        {
            int enabled;
            Check(vts_grad_mode(&enabled));
            return enabled != 0;
        }
        set => Check(vts_set_grad_mode(value ? 1 : 0));
    }

    internal static int Threads
    {
        get
        {
            int count;
            Check(vts_threads(&count));
            return count;
        }
    }

    internal static int InteropThreads
    {
        get
        {
            int count;
            Check(vts_interop_threads(&count));
            return count;
        }
    }

    internal static int CudaDevices
    {
        get
        {
            int count;
            Check(vts_cuda_device_count(&count));
            return count;
        }
    }
}
