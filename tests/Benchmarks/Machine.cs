using System.Runtime.InteropServices;

namespace Benchmarks;

/// <summary>What a figure was measured on.</summary>
internal static class Machine
{
    public static string Description()
    {
        var model = File.ReadLines("/proc/cpuinfo").FirstOrDefault(line => line.StartsWith("model name", StringComparison.Ordinal));
        return $"{model?.Split(':')[1].Trim() ?? "unknown CPU"}, {Environment.ProcessorCount} cores, "
            + $"{RuntimeInformation.OSDescription}, {RuntimeInformation.FrameworkDescription}";
    }
}
