using System.Diagnostics;
using Grpc.Core;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using VaeCluster.Protocol.Health;
using VaeCluster.Protocol.Segments;
using VaeCluster.Protocol.Transport;
using VaeCluster.Protocol.V1;

namespace Benchmarks;

/// <summary>The receiving process: this program once more, told by a variable that it is the server.</summary>
internal sealed class GrpcBenchmarkServer : IAsyncDisposable
{
    private const string Variable = "VAECLUSTER_BENCHMARK_SOCKET";

    private readonly Process process;
    private readonly HttpClient control;
    private readonly TransportChannels channels;

    private GrpcBenchmarkServer(Process process, TransportAddress tcp, TransportAddress unix)
    {
        this.process = process;
        Addresses = [("TCP", tcp), ("Unix socket", unix)];
        channels = new TransportChannels(new TransportOptions());
        control = new HttpClient(channels.Handler(tcp)) { BaseAddress = tcp.Web, DefaultRequestVersion = new Version(2, 0), DefaultVersionPolicy = HttpVersionPolicy.RequestVersionExact };
    }

    public static bool IsThisProcess => Environment.GetEnvironmentVariable(Variable) is not null;

    public IReadOnlyList<(string Name, TransportAddress Address)> Addresses { get; }

    public static async Task<GrpcBenchmarkServer> StartAsync()
    {
        var socket = Path.Combine(Path.GetTempPath(), $"vaecluster-benchmark-{Environment.ProcessId}.sock");
        var start = new ProcessStartInfo(Environment.ProcessPath!, ["grpc"]) { RedirectStandardInput = true, RedirectStandardOutput = true };
        start.Environment[Variable] = socket;
        var process = Process.Start(start)!;
        string? line;
        do
        {
            line = await process.StandardOutput.ReadLineAsync().WaitAsync(TimeSpan.FromSeconds(30));
        }
        while (line is not null && !line.StartsWith("http://", StringComparison.Ordinal));
        return new GrpcBenchmarkServer(process, TransportAddress.Parse(line ?? "the server did not start"), TransportAddress.Parse("unix:" + socket));
    }

    public TimeSpan CpuOfBoth()
    {
        process.Refresh();
        using var own = Process.GetCurrentProcess();
        return process.TotalProcessorTime + own.TotalProcessorTime;
    }

    public async Task<long> AllocatedAsync() => long.Parse(await control.GetStringAsync("/allocated"));

    /// <summary>Serves until the input ends.</summary>
    public static async Task RunAsync()
    {
        var destination = GC.AllocateUninitializedArray<byte>(GrpcBenchmarks.BufferBytes, pinned: true);
        using var transport = new TransportServer(new TransportOptions());
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        transport.AddTo(builder.Services);
        builder.Services.AddSingleton<ServiceHealth>();
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            transport.Listen(kestrel, TransportAddress.Parse("http://127.0.0.1:0"));
            transport.Listen(kestrel, TransportAddress.Parse("unix:" + Environment.GetEnvironmentVariable(Variable)));
        });
        await using var app = builder.Build();
        app.MapGrpcService(SegmentExchange.Serve(new Sink(destination), CountAsync));
        app.MapGrpcService<HealthService>();
        app.MapPost("/plain", context => CopyAsync(context, destination));
        app.MapGet("/allocated", () => GC.GetTotalAllocatedBytes(precise: true).ToString());
        await app.StartAsync();
        Console.WriteLine(app.Urls.Single(url => url.StartsWith("http://127", StringComparison.Ordinal)));
        await Console.In.ReadToEndAsync();
        await app.StopAsync();
    }

    public async ValueTask DisposeAsync()
    {
        control.Dispose();
        channels.Dispose();
        process.StandardInput.Close();
        await process.WaitForExitAsync().WaitAsync(TimeSpan.FromSeconds(30));
        process.Dispose();
    }

    private static async Task CountAsync(IAsyncStreamReader<SegmentMessage> segments, IServerStreamWriter<Receipt> receipts, ServerCallContext context)
    {
        var count = 0ul;
        while (await segments.MoveNext()) count++;
        await receipts.WriteAsync(new Receipt { Step = count });
    }

    private static async Task CopyAsync(HttpContext context, byte[] destination)
    {
        var (reader, total) = (context.Request.BodyReader, 0L);
        while (true)
        {
            var read = await reader.ReadAsync();
            foreach (var piece in read.Buffer)
            {
                var at = (int)(total % destination.Length);
                var first = Math.Min(piece.Length, destination.Length - at);
                piece.Span[..first].CopyTo(destination.AsSpan(at));
                piece.Span[first..].CopyTo(destination);
                total += piece.Length;
            }
            reader.AdvanceTo(read.Buffer.End);
            if (read.IsCompleted) break;
        }
        await context.Response.WriteAsync(total.ToString());
    }

    private sealed class Sink(byte[] destination) : ISegmentSink
    {
        public SegmentPlace PlaceFor(in SegmentHeader header, int payloadBytes) =>
            SegmentPlace.Into(destination.AsMemory((int)header.Offset * sizeof(float), payloadBytes));
    }
}
