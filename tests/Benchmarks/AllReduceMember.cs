using System.Diagnostics;
using System.Globalization;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.Logging;
using VaeCluster.Collectives;
using VaeCluster.Protocol.Transport;
using VaeCluster.Worker.Links;
using Wire = VaeCluster.Protocol.V1;

namespace Benchmarks;

/// <summary>
/// One member's process: this program once more, told by a variable what it is. It says where it listens, hears where all do,
/// and then takes so many steps for each number that it reads.
/// </summary>
internal static class AllReduceMember
{
    private const string Variable = "VAECLUSTER_BENCHMARK_MEMBER";
    private const int BucketFloats = 1 << 20;
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(60);

    public static bool IsThisProcess => Environment.GetEnvironmentVariable(Variable) is not null;

    public static async Task RunAsync()
    {
        // 1. Where we are.
        var told = Environment.GetEnvironmentVariable(Variable)!.Split(' ');
        var (rank, bytes, format, shares) = (int.Parse(told[0]), int.Parse(told[1]), Enum.Parse<WireFormat>(told[2]), bool.Parse(told[3]));
        var listen = TransportAddress.Parse(told[4]);
        using var transport = new TransportServer(new TransportOptions());
        using var channels = new TransportChannels(new TransportOptions());
        await using var links = new PeerLinks($"w{rank}", new PeerDialer(channels), loss => Console.Error.WriteLine(loss));
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        transport.AddTo(builder.Services);
        builder.WebHost.ConfigureKestrel(kestrel => transport.Listen(kestrel, listen));
        await using var app = builder.Build();
        app.MapGrpcService(links.Service);
        await app.StartAsync();
        Console.WriteLine(listen.SocketPath is null ? $"at {app.Urls.Single()}" : $"at {listen}");

        // 2. Where all are, and the plan: a slot each.
        var endpoints = Console.ReadLine()!.Split(' ');
        var floats = bytes / sizeof(float);
        var bucket = Math.Min(floats, BucketFloats);
        var arena = shares ? links.Share() : null;
        var exchange = new Exchange(new ExchangeLayout
        {
            Run = "benchmark",
            Slots = endpoints.Length,
            Buckets = [.. Enumerable.Repeat(bucket, floats / bucket)],
            Format = format,
        }, arena: arena);
        links.Attach("benchmark", exchange);
        var plan = new Wire.Plan { Generation = new() { Term = 1, Number = 1 }, Slots = (uint)endpoints.Length, FirstStep = 0, Reason = "Benchmark." };
        plan.Members.AddRange(endpoints.Select((endpoint, at) => new Wire.Member { WorkerId = $"w{at}", Endpoint = endpoint, FirstSlot = (uint)at, Slots = 1, BootId = "this" }));
        var own = MemberPlan.Read(plan, $"w{rank}");
        exchange.Open(own.ToView((_, _) => false), links.Open(own), 0);

        // 3. Steps, on a thread of their own as in a worker.
        var training = new Thread(() => Train(exchange, own, bytes, bucket, arena));
        training.Start();
        training.Join();
        if (shares && links.BytesShared < exchange.BytesSent / 2) throw new InvalidOperationException("Most did not go through shared memory.");
        await links.DisposeAsync();
        await app.StopAsync();
    }

    private static void Train(Exchange exchange, MemberPlan plan, int bytes, int bucket, IFloatArena? arena)
    {
        var values = FloatMemory.Allocate(bytes / sizeof(float), arena);
        var parts = Enumerable.Range(0, bytes / sizeof(float) / bucket)
            .Select(part => new FloatMemory(values.Address + (nint)part * bucket * sizeof(float), bucket, values)).ToArray();
        var step = 0L;
        while (Console.ReadLine() is { Length: > 0 } line)
        {
            using var process = Process.GetCurrentProcess();
            var (cpu, seconds) = (process.TotalProcessorTime, new List<double>());
            for (var i = int.Parse(line); i > 0; i--, step++)
            {
                var start = Stopwatch.GetTimestamp();
                var done = exchange.Begin(step, plan.Generation, plan.Generation);
                for (var part = parts.Length - 1; part >= 0; part--) done = done && exchange.Contribute(part, plan.Self.Slots, parts[part]);
                if (!done || exchange.Wait(Deadline).Status != ExchangeStatus.Completed) throw new InvalidOperationException(exchange.EndReason ?? "The step is not done.");
                seconds.Add(Stopwatch.GetElapsedTime(start).TotalSeconds);
            }
            process.Refresh();
            Console.WriteLine(string.Join(' ', seconds.Prepend((process.TotalProcessorTime - cpu).TotalSeconds).Select(value => value.ToString("R", CultureInfo.InvariantCulture))));
        }
        exchange.End("The benchmark is over.");
    }

    /// <summary>All members of one exchange.</summary>
    internal sealed class Group : IDisposable
    {
        private readonly DirectoryInfo folder = Directory.CreateTempSubdirectory("vc-ar-");
        private readonly List<Process> members = [];

        public static async Task<Group> StartAsync(int count, int bytes, AllReduceKind kind)
        {
            var group = new Group();
            try
            {
                for (var rank = 0; rank < count; rank++)
                {
                    var start = new ProcessStartInfo(Environment.ProcessPath!, ["all-reduce"]) { RedirectStandardInput = true, RedirectStandardOutput = true };
                    start.Environment[Variable] = $"{rank} {bytes} {kind.Format} {kind.Shares} {(kind.Sockets ? $"unix:{group.folder.FullName}/{rank}" : "http://127.0.0.1:0")}";
                    group.members.Add(Process.Start(start)!);
                }
                var endpoints = new List<string>();
                foreach (var member in group.members)
                {
                    string line;
                    do line = await ReadAsync(member);
                    while (!line.StartsWith("at ", StringComparison.Ordinal));
                    endpoints.Add(line[3..]);
                }
                foreach (var member in group.members) await member.StandardInput.WriteLineAsync(string.Join(' ', endpoints));
                return group;
            }
            catch
            {
                group.Dispose();
                throw;
            }
        }

        /// <summary>Wall seconds of each step on the first member, and CPU seconds of all members together.</summary>
        public async Task<(IReadOnlyList<double> Seconds, double Cpu)> RunAsync(int steps)
        {
            foreach (var member in members)
            {
                await member.StandardInput.WriteLineAsync($"{steps}");
                await member.StandardInput.FlushAsync();
            }
            var told = new List<double[]>();
            foreach (var member in members)
                told.Add([.. (await ReadAsync(member)).Split(' ').Select(value => double.Parse(value, CultureInfo.InvariantCulture))]);
            return (told[0][1..], told.Sum(values => values[0]));
        }

        public void Dispose()
        {
            foreach (var member in members) member.StandardInput.Close();
            foreach (var member in members)
            {
                if (!member.WaitForExit(TimeSpan.FromSeconds(20))) member.Kill();
                member.Dispose();
            }
            folder.Delete(recursive: true);
        }

        private static async Task<string> ReadAsync(Process member) =>
            await member.StandardOutput.ReadLineAsync().WaitAsync(Deadline) ?? throw new InvalidOperationException("A member has ended.");
    }
}
