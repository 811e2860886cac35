using System.Runtime.InteropServices;

namespace VaeCluster.Torch.Native;

/// <summary>
/// The native additions, libvaecluster_torch.so. Where it cannot be loaded (another platform, or a libtorch it was not built
/// for) each feature that uses it has a plain fallback on TorchSharp alone; which of both ran is part of a worker's fingerprint.
/// </summary>
public static partial class NativeAdditions
{
    internal const string Library = "vaecluster_torch";

    private static readonly Lazy<bool> Loaded = new(() =>
        // libtorch itself comes first, so that the additions bind to the one that TorchSharp uses.
        Environment.GetEnvironmentVariable("VAECLUSTER_NO_NATIVE_ADDITIONS") != "1"
        && TorchRuntime.EnsureLoaded()
        && NativeLibrary.TryLoad(Library, typeof(NativeAdditions).Assembly, null, out _));

    public static bool Available => Loaded.Value;

    /// <summary>Objects that the library has handed out and that were not yet deleted.</summary>
    public static long LiveObjects
    {
        get
        {
            if (!Available) return 0;
            Check(vct_live_objects(out var count));
            return count;
        }
    }

    /// <summary>What the kernels are: libtorch's version and the CPU kernel set it picked, for the fingerprint.</summary>
    public static string Description
    {
        get
        {
            if (!Available) return "no native additions";
            Check(vct_description(out var text));
            return Marshal.PtrToStringUTF8(text)!;
        }
    }

    /// <summary>From now on operators whose result depends on anything but their input throw.</summary>
    internal static void RequireDeterminism()
    {
        if (Available) Check(vct_deterministic(1));
    }

    /// <summary>Turns a native status into an exception with the native message.</summary>
    internal static void Check(int status)
    {
#pragma warning disable CA2201 // what TorchSharp itself throws for a native error
        if (status != 0) throw new ExternalException(Marshal.PtrToStringUTF8(vct_last_error()));
#pragma warning restore CA2201
    }

    [LibraryImport(Library)]
    private static partial nint vct_last_error();

    [LibraryImport(Library)]
    private static partial int vct_deterministic(int enabled);

    [LibraryImport(Library)]
    private static partial int vct_live_objects(out long count);

    [LibraryImport(Library)]
    private static partial int vct_description(out nint text);
}
