using System.Diagnostics;
using System.Globalization;

namespace Benchmarks;

/// <summary>
/// A script in Peers/ that does on request what we are compared with, in turns with us: a line with a number asks for so many
/// repetitions, the answer is their seconds, a line each, then "done".
/// </summary>
internal sealed class Peer : IDisposable
{
    private static readonly TimeSpan Deadline = TimeSpan.FromMinutes(2);

    private readonly Process process;

    public Peer(string script, params string[] arguments)
    {
        var start = new ProcessStartInfo("/usr/bin/python3", [Path.Combine(AppContext.BaseDirectory, "Peers", script), .. arguments])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
        };
        foreach (var name in (string[])["OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"]) start.Environment[name] = "1";
        process = Process.Start(start)!;
    }

    public IReadOnlyList<double> Run(int count) => Run($"{count}");

    public IReadOnlyList<double> Run(string request)
    {
        process.StandardInput.WriteLine(request);
        process.StandardInput.Flush();
        var seconds = new List<double>();
        while (process.StandardOutput.ReadLine() is { } line)
        {
            if (line == "done") return seconds;
            seconds.Add(double.Parse(line, CultureInfo.InvariantCulture));
        }
        throw new InvalidOperationException($"The peer ended with exit code {process.ExitCode}.");
    }

    /// <summary>The next line that it says unasked; null after the last one.</summary>
    public Task<string?> ReadLineAsync() => process.StandardOutput.ReadLineAsync().WaitAsync(Deadline);

    /// <summary>Ends it and all that it has started, where the end of its input tells it nothing.</summary>
    public void Kill() => process.Kill(entireProcessTree: true);

    public void Dispose()
    {
        process.StandardInput.Close();
        if (!process.WaitForExit(TimeSpan.FromSeconds(10))) process.Kill(entireProcessTree: true);
        process.Dispose();
    }
}
