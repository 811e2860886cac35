using System.Collections.Concurrent;
using VaeCluster.Protocol.Transport;
using VaeCluster.Protocol.V1;
using VaeCluster.Worker.Control;

namespace VaeCluster.Worker.Tests.Control;

/// <summary>A worker that trains nothing: keeps what it is told, and says who it is.</summary>
internal sealed class ScriptedHost(string id) : IControlHost
{
    private readonly ConcurrentQueue<CoordinatorMessage> heard = new();

    public CoordinatorMessage[] Heard => [.. heard];

    /// <summary>What it holds, in Hello and heartbeats.</summary>
    public ulong? CompletedSteps { get; set; }

    /// <summary>Once it has loaded what it needs; its state is the one above.</summary>
    public Ready? Ready { get; set; }

    /// <summary>The plan that it works under.</summary>
    public Plan? Plan { get; set; }

    /// <summary>What it does with a message, on the connection's task.</summary>
    public Action<CoordinatorMessage> Then { get; set; } = _ => { };

    public IEnumerable<CoordinatorMessage> Of(CoordinatorMessage.ContentOneofCase content) => heard.Where(message => message.ContentCase == content);

    public Hello DescribeSelf()
    {
        var hello = new Hello { WorkerId = id, Instance = "instance-1", Endpoint = "http://127.0.0.1:1", BootId = "boot", Plan = Plan };
        hello.Ready = Ready?.Clone();
        if (CompletedSteps is not { } steps) return hello;
        hello.CompletedSteps = steps;
        if (hello.Ready is { } ready) ready.CompletedSteps = steps;
        return hello;
    }

    public Heartbeat? TakeHeartbeat()
    {
        var heartbeat = new Heartbeat { Generation = Plan?.Generation, SlotSeconds = Plan is null ? 0 : 0.01 };
        if (CompletedSteps is { } steps) heartbeat.CompletedSteps = steps;
        return heartbeat;
    }

    public void Received(CoordinatorMessage message)
    {
        heard.Enqueue(message);
        Then(message);
    }
}

/// <summary>A connection of such a worker that runs until it is disposed.</summary>
internal sealed class RunningConnection : IAsyncDisposable
{
    private readonly TransportChannels channels = new(new TransportOptions());
    private readonly Grpc.Net.Client.GrpcChannel channel;
    private readonly CancellationTokenSource closing = new();

    public RunningConnection(TransportAddress address, ConnectionOptions? options = null, string id = "w0", Func<Grpc.Core.CallInvoker, Grpc.Core.CallInvoker>? attach = null)
    {
        Host = new ScriptedHost(id);
        channel = channels.Connect(address);
        var invoker = channel.CreateCallInvoker();
        Connection = new CoordinatorConnection(attach is null ? invoker : attach(invoker), Host, options ?? Patient());
    }

    /// <summary>Comes back soon, and takes a slow machine for no silent coordinator.</summary>
    public static ConnectionOptions Patient() => new() { FirstPause = TimeSpan.FromMilliseconds(5), LeastSilence = Deadline.Default, Welcome = Deadline.Default };

    public ScriptedHost Host { get; }

    public CoordinatorConnection Connection { get; }

    public Task<ConnectionOutcome> Outcome { get; private set; } = null!;

    public RunningConnection Start()
    {
        Outcome = Connection.RunAsync(closing.Token);
        return this;
    }

    public async Task<ConnectionOutcome> CloseAsync()
    {
        await closing.CancelAsync();
        return await Deadline.For(Outcome, "the connection's end");
    }

    public async ValueTask DisposeAsync()
    {
        if (Outcome is not null) await CloseAsync();
        channel.Dispose();
        channels.Dispose();
        closing.Dispose();
    }
}
