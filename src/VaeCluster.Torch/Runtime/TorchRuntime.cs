using System.Runtime.InteropServices;
using System.Runtime.Intrinsics.X86;
using static TorchSharp.torch;

namespace VaeCluster.Torch;

/// <summary>
/// What has to be settled before libtorch is loaded, because libtorch and its BLAS read it once: threads and the BLAS' core
/// type. The bits of a result depend on both, so both are in the <see cref="Fingerprint"/>.
/// </summary>
public static partial class TorchRuntime
{
    private static bool started;

    /// <summary>Loads libtorch with this many threads. Only the first call in a process decides.</summary>
    /// <param name="threads">Of libtorch and its BLAS.</param>
    /// <param name="deterministic">Refuse operators whose result depends on anything but their input.</param>
    public static void Start(int threads, bool deterministic = false)
    {
        if (started) return;
        started = true;

        var count = threads.ToString();
        foreach (var name in (string[])["OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"]) SetNative(name, count);
        // OpenBLAS does not know newer CPUs and takes them for a Haswell; the user's own choice stands.
        if (Environment.GetEnvironmentVariable("OPENBLAS_CORETYPE") is null && BlasCoreType() is { } coreType)
            SetNative("OPENBLAS_CORETYPE", coreType);
        KeepMemory();

        set_num_threads(threads);
        if (deterministic) Native.NativeAdditions.RequireDeterminism();
    }

    internal static bool EnsureLoaded()
    {
        Start(Environment.ProcessorCount);
        return true;
    }

    /// <summary>What must be equal among workers whose weights shall be equal to the bit (DESIGN.md, the one promise), by name.</summary>
    public static IReadOnlyList<KeyValuePair<string, string>> Fingerprint(string precision, Device device) =>
    [
        new("device", device.type == TorchSharp.DeviceType.CPU ? "CPU" : GpuModels() ?? device.type.ToString()),
        new("processor", CpuModel()),
        new("libraries", Native.NativeAdditions.Description),
        new("BLAS", $"BLAS core type {Environment.GetEnvironmentVariable("OPENBLAS_CORETYPE") ?? "default"}"),
        new("threads", $"{get_num_threads()} threads"),
        new("precision", precision),
    ];

    private static string? BlasCoreType() =>
        Avx512BW.IsSupported ? "SkylakeX" : Avx2.IsSupported ? "Haswell" : null;

    /// <summary>What the driver says of all GPUs of this machine; null where it says nothing.</summary>
    private static string? GpuModels()
    {
        const string folder = "/proc/driver/nvidia/gpus";
        if (!Directory.Exists(folder)) return null;
        var models = Directory.EnumerateDirectories(folder).Select(gpu => Path.Combine(gpu, "information")).Where(File.Exists)
            .Select(File.ReadAllLines).Select(lines => lines.FirstOrDefault(line => line.StartsWith("Model:", StringComparison.Ordinal))?[6..].Trim())
            .OfType<string>().Distinct().Order(StringComparer.Ordinal).ToList();
        return models.Count == 0 ? null : string.Join(", ", models);
    }

    private static string CpuModel() => File.Exists("/proc/cpuinfo")
        ? File.ReadLines("/proc/cpuinfo").FirstOrDefault(line => line.StartsWith("model name", StringComparison.Ordinal))
            ?.Split(':')[1].Trim() ?? "unknown CPU"
        : "unknown CPU";

    // A step frees and takes the same tens of megabytes again and again: returned to the kernel each time, they would come
    // back as page faults. One arena, blocks up to 32 MiB from the heap, and a heap that is trimmed only above a gigabyte.
    private static void KeepMemory()
    {
        const int trimThreshold = -1, mmapThreshold = -3, arenaMax = -8;
        if (!OperatingSystem.IsLinux()) return;
        _ = mallopt(arenaMax, 1);
        _ = mallopt(mmapThreshold, 32 << 20);
        _ = mallopt(trimThreshold, 1 << 30);
    }

    // .NET keeps a copy of the environment; what native code reads has to be set natively.
    private static void SetNative(string name, string value)
    {
        Environment.SetEnvironmentVariable(name, value);
        if (!OperatingSystem.IsWindows()) _ = setenv(name, value, 1);
    }

    [LibraryImport("libc", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int setenv(string name, string value, int overwrite);

    [LibraryImport("libc")]
    private static partial int mallopt(int parameter, int value);
}
