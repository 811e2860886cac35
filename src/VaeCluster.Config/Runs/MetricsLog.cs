using System.Globalization;

namespace VaeCluster.Config.Runs;

/// <summary>
/// A CSV file that grows by a line per step. Each line is flushed, and starts with its step: a run that goes on from an
/// earlier step first drops what it will do again, and a line that a kill cut short.
/// </summary>
public sealed class MetricsLog : IDisposable
{
    private readonly StreamWriter _writer;

    private MetricsLog(StreamWriter writer) => _writer = writer;

    public static MetricsLog Open(string path, string header, long afterStep)
    {
        var kept = Read(path, header).Where(line => StepOf(line) <= afterStep);
        var temporary = $"{path}.{Environment.ProcessId}.tmp";
        try
        {
            File.WriteAllText(temporary, string.Concat(kept.Prepend(header).Select(line => line + "\n")));
            File.Move(temporary, path, overwrite: true);
        }
        catch
        {
            File.Delete(temporary);
            throw;
        }
        return new MetricsLog(new StreamWriter(path, append: true) { NewLine = "\n", AutoFlush = true });
    }

    public void Append(string line) => _writer.WriteLine(line);

    public void Dispose() => _writer.Dispose();

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
