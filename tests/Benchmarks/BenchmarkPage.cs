using System.Diagnostics;
using System.Globalization;
using System.Text;

namespace Benchmarks;

/// <summary>What a run of the benchmarks printed, as a page of Markdown that says how to repeat it: commit, machine, command, time.</summary>
internal sealed class BenchmarkPage : IDisposable
{
    private readonly string path;
    private readonly TextWriter console = Console.Out;
    private readonly StringBuilder page = new();
    private readonly StringWriter printed = new(CultureInfo.InvariantCulture);
    private readonly long start = Stopwatch.GetTimestamp();

    /// <param name="path">Of the file, which is written after each area: one that is stopped leaves what was measured.</param>
    /// <param name="command">What was typed.</param>
    public BenchmarkPage(string path, string command)
    {
        this.path = path;
        page.Append(CultureInfo.InvariantCulture, $"""
            # Benchmarks

            Written by `{command}` at commit {Commit()}, {DateTime.UtcNow:yyyy-MM-dd} (UTC), on {Machine.Description()}.
            Load of the machine before: {File.ReadAllText("/proc/loadavg").Split(' ')[0]}.

            Each figure stands beside its peer's, measured in turn in the same run; ratios of one run are what counts, a machine's own speed
            changes. What was wanted stands in brackets, where it was missed as well. Figures of earlier runs, with what was tried, are in
            tests/Benchmarks/Results.

            """);
        Console.SetOut(new Both(console, printed));
    }

    /// <summary>One area's part.</summary>
    public void Add(string name, string claim, TimeSpan duration)
    {
        page.Append(CultureInfo.InvariantCulture, $"""

            ## {name}
            {claim} Took {duration.TotalSeconds:F0} s.

            ```
            {printed.ToString().Trim()}
            ```

            """);
        printed.GetStringBuilder().Clear();
        Save();
    }

    /// <summary>Nothing that was printed so far belongs to the next area.</summary>
    public void Begin() => printed.GetStringBuilder().Clear();

    /// <summary>The last line.</summary>
    public void End()
    {
        page.Append(CultureInfo.InvariantCulture, $"\nAll of it took {Stopwatch.GetElapsedTime(start).TotalMinutes:F0} minutes.\n");
        Save();
    }

    public void Dispose() => Console.SetOut(console);

    private void Save() => File.WriteAllText(path, page.ToString().ReplaceLineEndings("\n"));

    private static string Commit()
    {
        try
        {
            using var git = Process.Start(new ProcessStartInfo("git", ["describe", "--always", "--dirty"]) { RedirectStandardOutput = true })!;
            return git.StandardOutput.ReadToEnd().Trim();
        }
        catch (System.ComponentModel.Win32Exception)
        {
            return "unknown";
        }
    }

    private sealed class Both(TextWriter first, TextWriter second) : TextWriter
    {
        public override Encoding Encoding => first.Encoding;

        public override void Write(char value)
        {
            first.Write(value);
            second.Write(value);
        }

        public override void Write(string? value)
        {
            first.Write(value);
            second.Write(value);
        }

        public override void WriteLine(string? value)
        {
            first.WriteLine(value);
            second.WriteLine(value);
        }
    }
}
