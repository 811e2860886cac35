using System.Diagnostics;
using System.Runtime.InteropServices;

namespace VaeCluster.Cluster;

/// <summary>
/// A process of this program that must not outlive it: it reads our end of its standard input. What it says goes to a log,
/// once the folder of that is there.
/// </summary>
internal sealed partial class ChildProcess : IDisposable
{
    private const int Terminate = 15;
    private const int MostKept = 20;

    private readonly Process process;
    private readonly string logPath;
    private readonly Lock gate = new();
    private readonly Queue<string> kept = [];
    private readonly List<string> waiting = [];
    private readonly Task reading;
    private StreamWriter? log;

    private ChildProcess(string name, Process process, string logPath)
    {
        (Name, this.process, this.logPath) = (name, process, logPath);
        reading = Task.WhenAll(ReadAsync(process.StandardOutput), ReadAsync(process.StandardError));
    }

    public string Name { get; }

    public int Id => process.Id;

    public bool HasExited => process.HasExited;

    public int ExitCode => process.ExitCode;

    /// <summary>The end of what it said.</summary>
    public IReadOnlyList<string> LastLines
    {
        get { lock (gate) return [.. kept]; }
    }

    /// <param name="name">For people.</param>
    /// <param name="logPath">Written to from when its folder's parent is there.</param>
    /// <param name="arguments">A command of this program.</param>
    public static ChildProcess Start(string name, string logPath, IEnumerable<string> arguments)
    {
        var start = new ProcessStartInfo(Environment.ProcessPath!)
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        foreach (var argument in arguments) start.ArgumentList.Add(argument);
        return new ChildProcess(name, Process.Start(start)!, logPath);
    }

    /// <summary>SIGTERM.</summary>
    public void AskToEnd()
    {
        if (!process.HasExited) _ = kill(process.Id, Terminate);
    }

    /// <summary>Waits for its end; false when the time was over first.</summary>
    public async Task<bool> WaitAsync(TimeSpan most)
    {
        using var deadline = new CancellationTokenSource(most);
        await process.WaitForExitAsync(deadline.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        if (!process.HasExited) return false;
        await reading.WaitAsync(TimeSpan.FromSeconds(1)).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        return true;
    }

    public void Dispose()
    {
        if (!process.HasExited) process.Kill();
        process.WaitForExit(TimeSpan.FromSeconds(5));
        process.Dispose();
        lock (gate)
        {
            log?.Dispose();
            log = null;
        }
    }

    private async Task ReadAsync(StreamReader reader)
    {
        while (await reader.ReadLineAsync().ConfigureAwait(false) is { } line)
        {
            lock (gate)
            {
                kept.Enqueue(line);
                if (kept.Count > MostKept) kept.Dequeue();
                Write(line);
            }
        }
    }

    private void Write(string line)
    {
        waiting.Add(line);
        var folder = Path.GetDirectoryName(logPath)!;
        // The run's folder is made by the coordinator, when nothing is refused.
        if (log is null && !Directory.Exists(Path.GetDirectoryName(folder))) return;
        log ??= new StreamWriter(Directory.CreateDirectory(folder).FullName + Path.DirectorySeparatorChar + Path.GetFileName(logPath), append: true) { AutoFlush = true };
        foreach (var each in waiting) log.WriteLine(each);
        waiting.Clear();
    }

    [LibraryImport("libc", SetLastError = true)]
    private static partial int kill(int process, int signal);
}
