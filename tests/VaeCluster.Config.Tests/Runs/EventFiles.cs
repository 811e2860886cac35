using System.Diagnostics;
using System.Text.Json.Nodes;

namespace VaeCluster.Config.Tests.Runs;

/// <summary>TensorBoard's event files as read_events.py reads them: it knows nothing of our writer, and checks each checksum.</summary>
internal static class EventFiles
{
    private const string Python = "/usr/bin/python3";

    /// <summary>By name, as readers take them.</summary>
    public static List<string> In(string folder) => [.. Directory.GetFiles(folder, "events.out.tfevents.*").Order(StringComparer.Ordinal)];

    public static List<JsonObject> Read(string folder)
    {
        Assert.SkipUnless(File.Exists(Python), $"no {Python}: eng/setup.sh test installs it");
        var start = new ProcessStartInfo(Python, [Path.Combine(AppContext.BaseDirectory, "read_events.py"), .. In(folder)])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        using var process = Process.Start(start)!;
        var (output, errors) = (process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
        Assert.True(process.WaitForExit(60_000), "python3 did not end within a minute");
        Assert.True(process.ExitCode == 0, errors.GetAwaiter().GetResult());
        return [.. output.GetAwaiter().GetResult().Split('\n', StringSplitOptions.RemoveEmptyEntries)
            .Select(line => JsonNode.Parse(line.Replace("NaN", "\"NaN\"", StringComparison.Ordinal))!.AsObject())];
    }
}
