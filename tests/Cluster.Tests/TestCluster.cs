using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Text.Json;
using Grpc.Core;
using Grpc.Net.Client;
using VaeCluster.Coordinator.Runs;
using VaeCluster.Protocol.Transport;
using VaeCluster.Protocol.V1;
using VaeCluster.Tests;

namespace VaeCluster.Cluster.Tests;

/// <summary>A coordinator and workers as processes of the real program, over real sockets, with faults on demand.</summary>
internal sealed partial class TestCluster : IAsyncDisposable
{
    private const int SigKill = 9, SigTerm = 15, SigCont = 18, SigStop = 19;
    private static readonly TimeSpan Deadline = TimeSpan.FromMinutes(4);
    private static readonly string Cache = Path.Combine(Path.GetTempPath(), "vaecluster-tests-cache");

    private static readonly ConcurrentDictionary<string, Lazy<string>> OneProcess = [];

    private readonly string root;
    private readonly List<string> said = [];
    private readonly TransportChannels channels = new(new TransportOptions());
    private string[] coordinatorOptions;
    private readonly Security? security;
    private readonly (string Name, string Value)[] environment;
    private readonly int port;
    private GrpcChannel channel;
    private Running coordinator;

    public TestCluster(string config, params string[] coordinatorOptions)
        : this(config, 0, coordinatorOptions)
    {
    }

    /// <summary>With a token and mutual TLS on every port. Its status can't be asked from here.</summary>
    public TestCluster(string config, Security security, params string[] coordinatorOptions)
        : this(config, 0, security, coordinatorOptions)
    {
    }

    /// <param name="config">YAML.</param>
    /// <param name="before">Steps that one process has trained before.</param>
    /// <param name="coordinatorOptions">key=value each.</param>
    public TestCluster(string config, int before, params string[] coordinatorOptions)
        : this(config, before, null, coordinatorOptions)
    {
    }

    private TestCluster(string config, int before, Security? security, string[] coordinatorOptions, int port = 0, int metricsPort = 0, string? place = null,
        (string Name, string Value)[]? environment = null)
    {
        root = place is null ? Directory.CreateTempSubdirectory("vc-").FullName : Directory.CreateDirectory(place).FullName;
        (this.security, this.coordinatorOptions, this.environment) = (security, coordinatorOptions, environment ?? []);
        (this.port, MetricsPort) = (security?.Port ?? port, metricsPort);
        File.WriteAllText(ConfigPath, config);
        if (before > 0)
        {
            ProgramRun.Start(ProgramRun.ProgramPath,
                ["train", "--config", ConfigPath, "--run", Folder, "--steps", before.ToString(CultureInfo.InvariantCulture)], Surroundings).AssertSuccess();
        }
        coordinator = StartCoordinatorProcess();
        channel = channels.Connect(TransportAddress.Parse(Address));
    }

    public string Folder => Path.Combine(root, "run");

    public string Address => port == 0 ? $"unix:{root}/c" : $"{(security is null ? "http" : "https")}://127.0.0.1:{port}";

    /// <summary>Of the coordinator; 0 where nobody asks.</summary>
    public int MetricsPort { get; }

    /// <summary>Processor time that the coordinator has used.</summary>
    public TimeSpan CoordinatorCpu
    {
        get
        {
            coordinator.Process.Refresh();
            return coordinator.Process.TotalProcessorTime;
        }
    }

    public Dictionary<string, Running> Workers { get; } = [];

    private string ConfigPath => Path.Combine(root, "config.yaml");

    /// <summary>Without sockets in files: whoever finds the ports gets in.</summary>
    public static TestCluster OverTcp(string config, params string[] coordinatorOptions) =>
        new(config, 0, null, coordinatorOptions, LinkProxy.FreePort(), LinkProxy.FreePort());

    /// <summary>With variables for each process.</summary>
    public static TestCluster With((string Name, string Value)[] environment, string config, params string[] coordinatorOptions) =>
        new(config, 0, null, coordinatorOptions, environment: environment);

    /// <summary>In a folder that is made, and deleted with it.</summary>
    public static TestCluster In(string place, string config, params string[] coordinatorOptions) => new(config, 0, null, coordinatorOptions, place: place);

    /// <summary>What a run in one process comes to, computed once for each config.</summary>
    public static string WeightsOfOneProcess(string config) => OneProcess.GetOrAdd(config, text => new(() => Train(text))).Value;

    private static string Train(string config)
    {
        var folder = Directory.CreateTempSubdirectory("vc-one-").FullName;
        try
        {
            File.WriteAllText(Path.Combine(folder, "config.yaml"), config);
            var run = Path.Combine(folder, "run");
            ProgramRun.Start(ProgramRun.ProgramPath, ["train", "--config", Path.Combine(folder, "config.yaml"), "--run", run], Surroundings).AssertSuccess();
            return WeightsOf(run);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    internal static Dictionary<string, string> Surroundings => new() { ["XDG_CACHE_HOME"] = Cache };

    public Running StartWorker(string id, params string[] more) => Workers[id] = Start($"worker {id}",
        ["worker", "--coordinator", Address, "--id", id, "--device", "cpu", .. more.Contains("--listen") ? [] : new[] { "--listen", port == 0 ? $"unix:{root}/{id}" : $"{(security is null ? "http" : "https")}://127.0.0.1:0" },
            .. security is null ? [] : new[] { "--option" }, .. security?.Options ?? [], .. more]);

    /// <summary>As one in a container of its own would be: it sees no process of the others.</summary>
    public Running StartWorkerApart(string id) => Workers[id] = Start($"worker {id}",
        ["worker", "--coordinator", Address, "--id", id, "--device", "cpu", "--listen", $"unix:{root}/{id}"], "unshare", "--pid", "--fork", "--kill-child", "--mount-proc");

    public void StartWorkers(int count)
    {
        for (var i = 1; i <= count; i++) StartWorker($"w{i}");
    }

    public void KillCoordinator() => coordinator.Kill();

    public void AskCoordinatorToEnd() => coordinator.AskToEnd();

    public Task<bool> CoordinatorEndedAsync(TimeSpan most) => coordinator.EndedAsync(most);

    /// <param name="options">In place of those that it had, where there are any.</param>
    public void RestartCoordinator(params string[] options)
    {
        if (options.Length > 0) coordinatorOptions = options;
        channel.Dispose();
        coordinator = StartCoordinatorProcess();
        channel = channels.Connect(TransportAddress.Parse(Address));
    }

    /// <summary>Null while it does not answer.</summary>
    public async Task<RunStatus?> StatusAsync()
    {
        try
        {
            return await new Membership.MembershipClient(channel).GetStatusAsync(new GetStatusRequest(), deadline: DateTime.UtcNow.AddSeconds(5));
        }
        catch (RpcException)
        {
            return null;
        }
    }

    /// <summary>Waits until the status is as wanted; fails with what all processes said when it does not get there.</summary>
    public async Task<RunStatus> WaitAsync(string what, Func<RunStatus, bool> wanted)
    {
        var start = Stopwatch.GetTimestamp();
        while (Stopwatch.GetElapsedTime(start) < Deadline)
        {
            if (await StatusAsync() is { } status && wanted(status)) return status;
            Assert.False(coordinator.Process.HasExited && coordinator.ExitCode is not 137, $"The coordinator ended while waiting until {what}.\n{Tail}");
            await Task.Delay(20);
        }
        Assert.Fail($"It was not so that {what} within {Deadline}.\n{Tail}");
        return null!;
    }

    /// <summary>What a worker's metrics say of a series, which is written as they write it.</summary>
    public async Task<double> MetricAsync(string worker, string series)
    {
        const string said = "Metrics: ";
        var line = Said.Split('\n').First(line => line.StartsWith($"[worker {worker}] ", StringComparison.Ordinal) && line.Contains(said, StringComparison.Ordinal));
        using var http = new HttpClient { Timeout = Deadline };
        var text = await http.GetStringAsync(new Uri(line[(line.IndexOf(said, StringComparison.Ordinal) + said.Length)..]));
        var value = text.Split('\n').Single(line => line.StartsWith(series + " ", StringComparison.Ordinal))[series.Length..];
        return double.Parse(value, CultureInfo.InvariantCulture);
    }

    public Task<RunStatus> WaitForStepAsync(ulong step) => WaitAsync($"step {step} is done", status => status.CompletedSteps >= step);

    /// <summary>The next status that is told; null where the coordinator has ended.</summary>
    public async Task<RunStatus?> StatusUnlessEndedAsync()
    {
        while (!coordinator.Process.HasExited)
        {
            if (await StatusAsync() is { } status) return status;
            await Task.Delay(20);
        }
        return null;
    }

    /// <summary>Waits until the coordinator has ended well, and the workers that are left.</summary>
    public async Task CompleteAsync()
    {
        await EndAsync(exitCode: 0);
        foreach (var (id, worker) in Workers)
        {
            if (worker.WasKilled || worker.WasAsked || worker.IsStarved) continue;
            Assert.True(worker.ExitCode == 0, $"{id} ended with {worker.ExitCode}.\n{Tail}");
        }
    }

    /// <summary>Waits until the coordinator has ended like this, and the workers that are left somehow.</summary>
    public async Task EndAsync(int exitCode)
    {
        Assert.True(await coordinator.EndedAsync(Deadline), $"The run was not done within {Deadline}.\n{Tail}");
        Assert.True(coordinator.ExitCode == exitCode, $"The coordinator ended with {coordinator.ExitCode}.\n{Tail}");
        foreach (var (id, worker) in Workers)
        {
            if (worker.WasKilled || worker.WasAsked) continue;
            Assert.True(await worker.EndedAsync(TimeSpan.FromSeconds(20)), $"{id} did not end with the run.\n{Tail}");
        }
    }

    public string Weights() => WeightsOf(Folder);

    /// <summary>The journal has each step, and each sample of a whole epoch once.</summary>
    public void AssertJournal()
    {
        var verified = ProgramRun.Start(ProgramRun.ProgramPath, ["journal", "verify", Folder], Surroundings);
        Assert.True(verified.ExitCode == 0, $"{verified.Output}{verified.Errors}\n{Tail}");
    }

    /// <summary>What the journal says, in order.</summary>
    public IReadOnlyList<JournalEntry> Journal() => [.. JournalReader.Read(Path.Combine(Folder, "journal"))];

    /// <summary>All that its processes have said.</summary>
    public string Said
    {
        get { lock (said) return string.Join('\n', said); }
    }

    /// <summary>The end of it, for messages.</summary>
    private string Tail
    {
        get { lock (said) return string.Join('\n', said.TakeLast(400)); }
    }

    public async ValueTask DisposeAsync()
    {
        channel.Dispose();
        channels.Dispose();
        foreach (var process in Workers.Values.Append(coordinator))
        {
            process.Kill();
            await process.EndedAsync(TimeSpan.FromSeconds(10));
            process.Process.Dispose();
        }
        Directory.Delete(root, recursive: true);
    }

    internal static string WeightsOf(string run)
    {
        var shown = ProgramRun.Of("inspect", run, "--json").AssertSuccess();
        using var summary = JsonDocument.Parse(shown.Output);
        return summary.RootElement.GetProperty("weights_sha256").GetString() ?? throw new InvalidOperationException(shown.Output);
    }

    private Running StartCoordinatorProcess() => Start("coordinator",
        ["coordinator", "--run", Folder, "--config", ConfigPath, "--listen", Address, "--metrics", $"http://127.0.0.1:{MetricsPort}", .. coordinatorOptions.Length == 0 && security is null ? [] : new[] { "--option" }, .. coordinatorOptions, .. security?.Options ?? []]);

    private Running Start(string name, string[] arguments, params string[] wrapper)
    {
        string[] command = [.. wrapper, ProgramRun.ProgramPath, .. arguments];
        var start = ProgramRun.Describe(command[0], command[1..], Surroundings);
        if (security is not null) start.Environment[Protocol.Access.SharedToken.Variable] = security.Token;
        foreach (var (variable, value) in environment) start.Environment[variable] = value;
        var process = new Process { StartInfo = start };
        void Hear(object _, DataReceivedEventArgs line)
        {
            if (line.Data is null) return;
            lock (said) said.Add(string.Create(CultureInfo.InvariantCulture, $"[{name}] {line.Data}"));
        }
        process.OutputDataReceived += Hear;
        process.ErrorDataReceived += Hear;
        process.Start();
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        return new Running(process);
    }

    /// <param name="Port">The coordinator's.</param>
    /// <param name="Token">Of all.</param>
    /// <param name="Options">key=value of the transport.</param>
    internal sealed record Security(int Port, string Token, string[] Options);

    /// <summary>A process with the signals that hit it.</summary>
    internal sealed partial class Running(Process process)
    {
        public Process Process => process;

        public bool WasKilled { get; private set; }

        public bool WasAsked { get; private set; }

        /// <summary>It gets no more memory; what becomes of it is the test's to say.</summary>
        public bool IsStarved { get; private set; }

        public int ExitCode => process.ExitCode;

        public bool IsAlive => !process.HasExited;

        public void Kill()
        {
            WasKilled = true;
            Signal(SigKill);
        }

        public void AskToEnd()
        {
            WasAsked = true;
            Signal(SigTerm);
        }

        public void Stop() => Signal(SigStop);

        public void Continue() => Signal(SigCont);

        /// <summary>Runs for a while, stands still for a while, until this is disposed.</summary>
        public IDisposable SlowDown(TimeSpan on, TimeSpan off) => new DutyCycle(this, on, off);

        /// <summary>Limits its memory (RLIMIT_DATA) to what it has between two steps, and a little.</summary>
        public async Task StarveAsync(long more)
        {
            var least = long.MaxValue;
            for (var looks = 0; looks < 100 && !process.HasExited; looks++)
            {
                var line = File.ReadLines($"/proc/{process.Id}/status").First(line => line.StartsWith("VmData:", StringComparison.Ordinal));
                least = Math.Min(least, long.Parse(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[1], CultureInfo.InvariantCulture) << 10);
                await Task.Delay(5);
            }
            IsStarved = true;
            var limit = new Limit((ulong)(least + more), (ulong)(least + more));
            if (prlimit(process.Id, DataLimit, in limit, 0) != 0) throw new InvalidOperationException($"prlimit: error {Marshal.GetLastPInvokeError()}");
        }

        public async Task<bool> EndedAsync(TimeSpan most)
        {
            using var deadline = new CancellationTokenSource(most);
            await process.WaitForExitAsync(deadline.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            return process.HasExited;
        }

        private void Signal(int signal)
        {
            if (!process.HasExited) _ = kill(process.Id, signal);
        }

        private const int DataLimit = 2;

        [LibraryImport("libc", SetLastError = true)]
        private static partial int kill(int process, int signal);

        [LibraryImport("libc", SetLastError = true)]
        private static partial int prlimit(int process, int resource, in Limit limit, nint before);

        private readonly record struct Limit(ulong Soft, ulong Hard);

        private sealed class DutyCycle : IDisposable
        {
            private readonly ManualResetEventSlim ending = new();
            private readonly Thread thread;

            public DutyCycle(Running running, TimeSpan on, TimeSpan off)
            {
                thread = new Thread(() =>
                {
                    while (!ending.Wait(on))
                    {
                        running.Stop();
                        ending.Wait(off);
                        running.Continue();
                    }
                });
                thread.Start();
            }

            public void Dispose()
            {
                ending.Set();
                thread.Join();
                ending.Dispose();
            }
        }
    }
}
