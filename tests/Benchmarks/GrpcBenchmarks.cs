using System.Diagnostics;
using System.Net;
using Grpc.Core;
using VaeCluster.Protocol.Health;
using VaeCluster.Protocol.Segments;
using VaeCluster.Protocol.Transport;
using VaeCluster.Protocol.V1;

namespace Benchmarks;

/// <summary>
/// The data path's stream beside the same bytes over plain HTTP/2, with the same settings of Kestrel and HttpClient, from
/// one process to another over loopback: both take 512 KiB pieces from a buffer larger than the caches and leave them in
/// another such buffer. Bytes per second of wall time, and CPU seconds of both processes per GB.
/// </summary>
internal static class GrpcBenchmarks
{
    internal const int SegmentBytes = 512 * 1024;
    internal const int BufferBytes = 64 << 20;

    private const int Segments = 512; // 256 MiB
    private const int Rounds = 15;
    private const int UnaryCalls = 3000;

    public static async Task RunAsync()
    {
        SocketCompletions.RunInline();
        if (GrpcBenchmarkServer.IsThisProcess)
        {
            await GrpcBenchmarkServer.RunAsync();
            return;
        }
        await using var server = await GrpcBenchmarkServer.StartAsync();
        foreach (var (name, address) in server.Addresses) await CompareAsync(name, server, address);
    }

    private static async Task CompareAsync(string name, GrpcBenchmarkServer server, TransportAddress address)
    {
        using var channels = new TransportChannels(new TransportOptions());
        using var channel = channels.Connect(address);
        using var http = new HttpClient(channels.Handler(address)) { BaseAddress = address.Web ?? new Uri("http://localhost") };
        var invoker = channel.CreateCallInvoker();
        var source = GC.AllocateUninitializedArray<byte>(BufferBytes, pinned: true);
        new Random(1).NextBytes(source);

        var (ours, plain) = (new List<Run>(), new List<Run>());
        for (var round = -4; round < Rounds; round++)
        {
            // In turn, and the other one first each time: the machine's other load falls on both.
            Func<Task>[] both = [() => StreamAsync(invoker, source), () => PostAsync(http, source)];
            var runs = new Run[2];
            foreach (var i in round % 2 == 0 ? new[] { 0, 1 } : [1, 0]) runs[i] = await MeasureAsync(server, both[i]);
            if (round < 0) continue; // compiled and tiered up before it counts
            ours.Add(runs[0]);
            plain.Add(runs[1]);
        }

        Console.WriteLine($"{name}, {Segments} segments of {SegmentBytes >> 10} KiB, median (range) of {Rounds} rounds");
        Print("gRPC segments", ours);
        Print("plain HTTP/2", plain);
        Console.WriteLine($"  {"ratio of bandwidth",-20} {new Figures(ours.Zip(plain, (a, b) => a.Bandwidth / b.Bandwidth))}");
        // A machine with other work disturbs most rounds; the best ones it disturbed least.
        Console.WriteLine($"  {"ratio of the best",-20} {ours.Max(run => run.Bandwidth) / plain.Max(run => run.Bandwidth):G4}");
        Console.WriteLine($"  {"ratio of CPU",-20} {new Figures(ours.Zip(plain, (a, b) => a.Cpu / b.Cpu))}");
        await PrintUnaryAsync(invoker);
    }

    private static async Task StreamAsync(CallInvoker invoker, byte[] source)
    {
        using var call = SegmentExchange.Open(invoker);
        for (var i = 0; i < Segments; i++)
        {
            var at = (long)i * SegmentBytes % BufferBytes;
            var header = new SegmentHeader
            {
                Run = "benchmark",
                Generation = new PlanGeneration(1, 1),
                KnownGeneration = new PlanGeneration(1, 1),
                Step = 1,
                Chunk = (uint)i,
                Phase = Phase.Reduce,
                Format = WireFormat.Float32,
                Offset = (ulong)at / sizeof(float),
                Slots = 1,
            };
            await call.RequestStream.WriteAsync(new SegmentMessage(header, source.AsMemory((int)at, SegmentBytes)));
        }
        await call.RequestStream.CompleteAsync();
        if (!await call.ResponseStream.MoveNext() || call.ResponseStream.Current.Step != Segments) throw new InvalidOperationException("Segments were lost.");
    }

    private static async Task PostAsync(HttpClient http, byte[] source)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, "/plain")
        {
            Version = HttpVersion.Version20,
            VersionPolicy = HttpVersionPolicy.RequestVersionExact,
            Content = new PiecesContent(source),
        };
        using var response = await http.SendAsync(request);
        if (await response.Content.ReadAsStringAsync() != ((long)Segments * SegmentBytes).ToString()) throw new InvalidOperationException("Bytes were lost.");
    }

    private static async Task<Run> MeasureAsync(GrpcBenchmarkServer server, Func<Task> transfer)
    {
        var (cpu, allocated, theirs) = (server.CpuOfBoth(), GC.GetTotalAllocatedBytes(), await server.AllocatedAsync());
        var start = Stopwatch.GetTimestamp();
        await transfer();
        var elapsed = Stopwatch.GetElapsedTime(start);
        const double Gigabytes = (double)Segments * SegmentBytes / 1e9;
        return new Run(
            Gigabytes / elapsed.TotalSeconds,
            (server.CpuOfBoth() - cpu).TotalSeconds / Gigabytes,
            (GC.GetTotalAllocatedBytes() - allocated) / (double)Segments,
            (await server.AllocatedAsync() - theirs) / (double)Segments);
    }

    private static void Print(string what, List<Run> runs) => Console.WriteLine(
        $"  {what,-20} {new Figures(runs.Select(run => run.Bandwidth))} GB/s, {new Figures(runs.Select(run => run.Cpu))} CPU s/GB, "
        + $"allocated per segment {new Figures(runs.Select(run => run.Sent)).Median:F0} B sending, {new Figures(runs.Select(run => run.Received)).Median:F0} B receiving");

    private static async Task PrintUnaryAsync(CallInvoker invoker)
    {
        var client = new Health.HealthClient(invoker);
        var times = new List<double>();
        for (var i = -UnaryCalls; i < UnaryCalls; i++)
        {
            var start = Stopwatch.GetTimestamp();
            await client.CheckAsync(new HealthCheckRequest());
            if (i >= 0) times.Add(Stopwatch.GetElapsedTime(start).TotalMicroseconds);
        }
        var figures = new Figures(times);
        Console.WriteLine($"  {"unary round trip",-20} {figures.Median:F0} us median, {figures.Quantile(0.99):F0} us at 99 %");
    }

    private sealed record Run(double Bandwidth, double Cpu, double Sent, double Received);

    private sealed class PiecesContent(byte[] source) : HttpContent
    {
        protected override async Task SerializeToStreamAsync(Stream stream, TransportContext? context)
        {
            for (var i = 0; i < Segments; i++)
            {
                await stream.WriteAsync(source.AsMemory((int)((long)i * SegmentBytes % BufferBytes), SegmentBytes));
                await stream.FlushAsync();
            }
        }

        protected override bool TryComputeLength(out long length)
        {
            length = 0;
            return false;
        }
    }
}
