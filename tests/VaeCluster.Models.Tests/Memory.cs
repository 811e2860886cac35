using System.Globalization;

namespace VaeCluster.Models.Tests;

/// <summary>What a computation takes of the machine's memory, as the kernel counts it.</summary>
internal static class Memory
{
    /// <summary>The result, and the most bytes that were resident beyond those before.</summary>
    public static (T Result, long Peak) PeakOf<T>(Func<T> compute)
    {
        File.WriteAllText("/proc/self/clear_refs", "5"); // the high-water mark begins again (proc(5))
        var before = Status("VmRSS");
        var result = compute();
        return (result, Status("VmHWM") - before);
    }

    private static long Status(string name) => 1024 * long.Parse(
        File.ReadLines("/proc/self/status").Single(line => line.StartsWith(name + ":", StringComparison.Ordinal)).Split(':')[1].Replace("kB", "", StringComparison.Ordinal),
        NumberStyles.AllowLeadingWhite | NumberStyles.AllowTrailingWhite, CultureInfo.InvariantCulture);
}
