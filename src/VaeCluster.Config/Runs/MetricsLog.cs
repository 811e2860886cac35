using System.Globalization;
using System.Text;
using VaeCluster.Data;

namespace VaeCluster.Config.Runs;

/// <summary>
/// A CSV file that grows by a line per step. Each line is written at once, and starts with its step: a run that goes on from
/// an earlier step first drops what it will do again, and a line that a kill cut short.
/// </summary>
public sealed class MetricsLog : IDisposable
{
    private readonly GrowingFile _file;

    private MetricsLog(GrowingFile file) => _file = file;

    /// <inheritdoc cref="GrowingFile.Failure"/>
    public Exception? Failure => _file.Failure;

    public static MetricsLog Open(string path, string header, long afterStep)
    {
        var kept = Read(path, header).Where(line => StepOf(line) <= afterStep);
        Whole.WriteFile(path, temporary => File.WriteAllText(temporary, string.Concat(kept.Prepend(header).Select(line => line + "\n"))));
        return new MetricsLog(new GrowingFile(path, FileMode.Open));
    }

    public void Append(string line) => _file.Append(Encoding.UTF8.GetBytes(line + "\n"));

    /// <inheritdoc cref="GrowingFile.Complete"/>
    public void Complete() => _file.Complete();

    public void Dispose() => _file.Dispose();

    /// <summary>The complete lines below the header.</summary>
    public static IReadOnlyList<string> Read(string path, string header)
    {
        if (!File.Exists(path)) return [];
        var lines = File.ReadAllText(path).Split('\n');
        if (lines[0] != header) return [];
        var columns = header.Count(c => c == ',');
        // What follows the last line's end is nothing, or the piece of a line.
        return lines[1..^1].Where(line => line.Count(c => c == ',') == columns && StepOf(line) >= 0).ToList();
    }

    private static long StepOf(string line) =>
        long.TryParse(line.AsSpan(0, Math.Max(0, line.IndexOf(','))), CultureInfo.InvariantCulture, out var step) ? step : -1;
}
