using Grpc.Core;
using Grpc.Net.Client;
using Microsoft.Extensions.Logging;
using Prometheus;
using VaeCluster.Coordinator;
using VaeCluster.Coordinator.Runs;
using VaeCluster.Coordinator.Tests;
using VaeCluster.Protocol.Access;
using VaeCluster.Protocol.Plans;
using VaeCluster.Protocol.Transport;
using VaeCluster.Protocol.V1;

namespace VaeCluster.Tests.Status;

/// <summary>A real coordinator on a free port, and scripted workers on real streams to it.</summary>
internal sealed class CoordinatorSandbox : IAsyncDisposable
{
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(60);

    private readonly string folder = Directory.CreateTempSubdirectory("vaecluster-status-").FullName;
    private readonly CancellationTokenSource ending = new();
    private readonly Dictionary<ScriptedWorker, IClientStreamWriter<WorkerMessage>> writers = [];
    private readonly SemaphoreSlim speaking = new(1);
    private readonly List<Task> streams = [];
    private TransportChannels? channels;
    private GrpcChannel? channel;
    private SharedToken? token;

    private CoordinatorHost? host;

    public string Address => host!.Address;

    public string Run => host!.Run;

    public static async Task<CoordinatorSandbox> StartAsync(Action<CoordinatorOptions>? change = null, TlsOptions? clientTls = null)
    {
        var sandbox = new CoordinatorSandbox();
        var options = new CoordinatorOptions { Listen = "http://127.0.0.1:0", FinishTime = Deadline };
        options.Plans.GatherTime = TimeSpan.FromMilliseconds(100);
        change?.Invoke(options);
        sandbox.host = await CoordinatorHost.StartAsync(options, new RunDescription(sandbox.folder, "train: {}", 8), logs => logs.ClearProviders(),
            Metrics.WithCustomRegistry(Metrics.NewCustomRegistry()), cancellationToken: TestContext.Current.CancellationToken);
        sandbox.channels = new TransportChannels(new TransportOptions { Tls = clientTls });
        sandbox.channel = sandbox.channels.Connect(TransportAddress.Parse(sandbox.Address));
        sandbox.token = SharedToken.Load(options.TokenFile);
        return sandbox;
    }

    public string Write(string name, string text)
    {
        var path = Path.Combine(folder, name);
        File.WriteAllText(path, text);
        return path;
    }

    /// <summary>Joins, answers the coordinator and sends heartbeats until the sandbox ends.</summary>
    public async Task JoinAsync(ScriptedWorker worker)
    {
        var stream = Client().Join(cancellationToken: ending.Token);
        writers[worker] = stream.RequestStream;
        await SayAsync(worker, worker.Hello());
        streams.Add(AnswerAsync(stream, worker));
        streams.Add(BeatAsync(worker));
    }

    /// <summary>One at a time: a stream takes one write.</summary>
    public async Task SayAsync(ScriptedWorker worker, WorkerMessage message)
    {
        await speaking.WaitAsync(ending.Token);
        try
        {
            await writers[worker].WriteAsync(message);
        }
        finally
        {
            speaking.Release();
        }
    }

    /// <summary>Waits for a status.</summary>
    public async Task<RunStatus> UntilAsync(Func<RunStatus, bool> reached, string what)
    {
        var started = TimeProvider.System.GetTimestamp();
        while (true)
        {
            if (host!.Completion.IsFaulted) await host.Completion;
            foreach (var broken in streams.Where(stream => stream.IsFaulted)) await broken;
            var status = await Client().GetStatusAsync(new(), cancellationToken: TestContext.Current.CancellationToken);
            if (reached(status)) return status;
            Assert.True(TimeProvider.System.GetElapsedTime(started) < Deadline, $"Waited {Deadline} for {what}; the status is {status}");
            await Task.Delay(10, TestContext.Current.CancellationToken);
        }
    }

    public async ValueTask DisposeAsync()
    {
        await ending.CancelAsync();
        await Task.WhenAll(streams).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await host!.DisposeAsync();
        channel!.Dispose();
        channels!.Dispose();
        ending.Dispose();
        speaking.Dispose();
        Directory.Delete(folder, recursive: true);
    }

    private Membership.MembershipClient Client() => new(token?.Attach(channel!.CreateCallInvoker()) ?? channel!.CreateCallInvoker());

    private async Task AnswerAsync(AsyncDuplexStreamingCall<WorkerMessage, CoordinatorMessage> stream, ScriptedWorker worker)
    {
        using (stream)
        {
            Plan? told = null;
            await foreach (var message in stream.ResponseStream.ReadAllAsync(ending.Token))
            {
                if (message.Plan is not null)
                {
                    Assert.True(PlanNames.TryComplete(message.Plan, told, out told));
                    message.Plan = told;
                }
                foreach (var answer in worker.Hear(message)) await SayAsync(worker, answer);
            }
        }
    }

    private async Task BeatAsync(ScriptedWorker worker)
    {
        while (worker.Finish is null)
        {
            await Task.Delay(100, ending.Token);
            if (worker.IsReady) await SayAsync(worker, worker.Heartbeat());
        }
    }
}
