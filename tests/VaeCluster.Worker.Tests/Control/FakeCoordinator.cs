using System.Threading.Channels;
using Grpc.Core;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using VaeCluster.Protocol.Transport;
using VaeCluster.Protocol.V1;

namespace VaeCluster.Worker.Tests.Control;

/// <summary>
/// A coordinator that does only what the test tells it: for what the real one would never do, such as falling silent or
/// speaking with an old term. Each stream of a worker is handed to the test.
/// </summary>
internal sealed class FakeCoordinator : Membership.MembershipBase, IAsyncDisposable
{
    private readonly Channel<WorkerCall> calls = Channel.CreateUnbounded<WorkerCall>();
    private readonly TaskCompletionSource stopping = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private LoopbackServer server = null!;

    public TransportAddress Address => server.Address;

    public static async Task<FakeCoordinator> StartAsync(string listen = "http://127.0.0.1:0")
    {
        var coordinator = new FakeCoordinator();
        coordinator.server = await LoopbackServer.StartAsync(app => app.MapGrpcService<FakeCoordinator>(), listen, services => services.AddSingleton(coordinator));
        return coordinator;
    }

    /// <summary>The next stream that a worker opens.</summary>
    public Task<WorkerCall> CallAsync() => Deadline.For(calls.Reader.ReadAsync(TestContext.Current.CancellationToken).AsTask(), "a worker to connect");

    public override async Task Join(IAsyncStreamReader<WorkerMessage> requestStream, IServerStreamWriter<CoordinatorMessage> responseStream, ServerCallContext context)
    {
        var call = new WorkerCall(requestStream, responseStream, context);
        await calls.Writer.WriteAsync(call, context.CancellationToken);
        await Task.WhenAny(call.Ended, stopping.Task).WaitAsync(context.CancellationToken);
    }

    /// <summary>Ends all streams in order, then the server.</summary>
    public ValueTask StopAsync()
    {
        stopping.TrySetResult();
        return server.StopAsync();
    }

    public ValueTask DisposeAsync() => server.DisposeAsync();
}

/// <summary>One stream, in the test's hands.</summary>
internal sealed class WorkerCall(IAsyncStreamReader<WorkerMessage> requests, IServerStreamWriter<CoordinatorMessage> responses, ServerCallContext context)
{
    private readonly TaskCompletionSource ended = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public Task Ended => ended.Task;

    /// <summary>Cancelled when the worker has gone.</summary>
    public CancellationToken Gone { get; } = context.CancellationToken;

    public async Task<WorkerMessage> ReadAsync()
    {
        Assert.True(await Deadline.For(requests.MoveNext(TestContext.Current.CancellationToken), "a message of the worker"), "The worker has ended the stream.");
        return requests.Current;
    }

    /// <summary>The next message of a kind; heartbeats before it are answered, as the worker expects.</summary>
    public async Task<WorkerMessage> ReadAsync(WorkerMessage.ContentOneofCase content)
    {
        while (true)
        {
            var message = await ReadAsync();
            if (message.ContentCase == content) return message;
            Assert.Equal(WorkerMessage.ContentOneofCase.Heartbeat, message.ContentCase);
            await HearAsync(message);
        }
    }

    public Task SendAsync(CoordinatorMessage message, ulong term = 1, string run = "run-1")
    {
        (message.Run, message.Term) = (run, term);
        return Deadline.For(responses.WriteAsync(message), "the worker to be told");
    }

    public async Task<WorkerMessage> WelcomeAsync(ulong term = 1, string run = "run-1", uint interval = 20)
    {
        var hello = await ReadAsync();
        Assert.Equal(WorkerMessage.ContentOneofCase.Hello, hello.ContentCase);
        await SendAsync(new CoordinatorMessage { Welcome = new() { Run = run, Config = "{}", Slots = 8, HeartbeatIntervalMs = interval } }, term, run);
        return hello;
    }

    public Task HearAsync(WorkerMessage heartbeat, ulong term = 1, uint interval = 20) => SendAsync(new CoordinatorMessage
    {
        HeartbeatHeard = new() { Sequence = heartbeat.Heartbeat.Sequence, HeartbeatIntervalMs = interval },
    }, term);

    /// <summary>Ends the stream in order, as a coordinator that stops does.</summary>
    public void End() => ended.TrySetResult();
}
