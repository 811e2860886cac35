using System.Reflection;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

[assembly: DisableRuntimeMarshalling]
[assembly: InternalsVisibleTo("TorchSharp.Tests")]
[assembly: InternalsVisibleTo("VaeCluster.Torch.Tests")]

namespace TorchSharp.Internal;

/// <summary>
/// The imports of the native library: each returns a status that <see cref="Check"/> turns into an exception.
/// Nothing is loaded before the first call, since who starts the process may still set what libtorch reads when it
/// loads (OPENBLAS_CORETYPE, OMP_NUM_THREADS).
/// </summary>
internal static unsafe partial class Native
{
    private const string Library = "vaecluster_torchsharp";

    // Only registers; loading happens, and fails, in the resolver, so that no TypeInitializationException hides the reason.
    static Native() => NativeLibrary.SetDllImportResolver(typeof(Native).Assembly, Resolve);

    [LibraryImport(Library)]
    private static partial byte* vts_last_error();

    /// <summary>The native message of a failed call as the exception that TorchSharp throws.</summary>
    internal static void Check(int status)
    {
        if (status != 0) throw Failure();
    }

    // The type is the official package's.
#pragma warning disable CA2201
    private static ExternalException Failure() => new(Marshal.PtrToStringUTF8((nint)vts_last_error()));
#pragma warning restore CA2201

    private static nint Resolve(string name, Assembly assembly, DllImportSearchPath? searchPath)
    {
        if (name != Library) return 0;
        try
        {
            return NativeLibrary.Load(Path.Combine(AppContext.BaseDirectory, "lib" + Library + ".so"));
        }
        catch (Exception inBase) when (inBase is DllNotFoundException or BadImageFormatException)
        {
            if (NativeLibrary.TryLoad(name, assembly, searchPath, out var handle)) return handle;
            // The loader's own words name the file that is missing or does not fit, libtorch's included.
            throw new DllNotFoundException(
                $"The native library lib{Library}.so or the libtorch beneath it could not be loaded. "
                + "Install libtorch 1.13 or newer (apt-get install libtorch-dev libopenblas0-pthread) and build again, "
                + $"or build against the one you have with -p:LibtorchPath=/opt/libtorch. The loader said: {inBase.Message}",
                inBase);
        }
    }
}
