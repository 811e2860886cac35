using System.Diagnostics;
using System.Threading.Channels;
using Google.Protobuf;
using Grpc.Core;
using Grpc.Net.Client;
using VaeCluster.Protocol.V1;

namespace Benchmarks;

/// <summary>A worker without training, on a connection of its own.</summary>
internal sealed class LightClient : IAsyncDisposable
{
    private static readonly Method<WorkerMessage, byte[]> Join = new(MethodType.DuplexStreaming, "vaecluster.v1.Membership", "Join",
        Marshallers.Create<WorkerMessage>(message => message.ToByteArray(), WorkerMessage.Parser.ParseFrom), Marshallers.Create<byte[]>(bytes => bytes, bytes => bytes));

    private readonly LightFleet fleet;
    private readonly GrpcChannel channel;
    private readonly CancellationTokenSource ending;
    private readonly Task living;
    private readonly Channel<WorkerMessage> unsent = Channel.CreateUnbounded<WorkerMessage>(new() { SingleReader = true });
    private readonly Lock gate = new();
    private readonly Dictionary<ulong, long> due = [];
    private string run = "", manifest = "";
    private Generation newest = new();
    private ulong? steps;
    private ulong sequence;
    private volatile Plan? plan;
    private volatile Plan? next;
    private TimeSpan interval = TimeSpan.FromSeconds(1);

    public LightClient(string id, GrpcChannel channel, LightFleet fleet, CancellationToken cancellation)
    {
        (Id, this.channel, this.fleet) = (id, channel, fleet);
        ending = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        living = LiveAsync(ending.Token);
    }

    public string Id { get; }

    /// <summary>Worked under; null where it has no part in one.</summary>
    public Plan? Plan => plan;

    public Plan? Next => next;

    public void Send(WorkerMessage message)
    {
        lock (gate) (message.Run, message.KnownGeneration) = (run, newest);
        unsent.Writer.TryWrite(message);
    }

    /// <summary>A step is done, after which a plan may take effect.</summary>
    public void Step(Plan? switchTo)
    {
        bool ready, beats;
        lock (gate)
        {
            if (plan is null) return;
            steps++;
            if (switchTo is null || !switchTo.Equals(next)) return;
            (plan, next) = (Part(switchTo) is null ? null : switchTo, null);
            ready = plan is not null && steps is null;
            beats = plan is null || BeatsAtOnce(plan);
            if (ready) steps = 0;
        }
        if (beats) Beat();
        if (ready) Send(Ready());
    }

    /// <summary>Its connection is gone at once, without a word.</summary>
    public async ValueTask DisposeAsync()
    {
        ending.Cancel(); // not awaited: whoever cuts goes on with the cut made
        channel.Dispose();
        await living;
        ending.Dispose();
    }

    private async Task LiveAsync(CancellationToken token)
    {
        // A coordinator that refuses for now, or a stream that broke: as a worker does it, again.
        while (!token.IsCancellationRequested)
        {
            try
            {
                await StreamAsync(token);
            }
            catch (Exception exception) when (exception is RpcException or HttpRequestException or IOException or InvalidOperationException or OperationCanceledException)
            {
                // Said by the counts.
            }
            await Task.Delay(TimeSpan.FromMilliseconds(500), token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private async Task StreamAsync(CancellationToken token)
    {
        // What the last stream did not answer, none will.
        lock (gate) due.Clear();
        using var call = channel.CreateCallInvoker().AsyncDuplexStreamingCall(Join, null, new CallOptions(cancellationToken: token));
        using var over = CancellationTokenSource.CreateLinkedTokenSource(token);
        var hello = new Hello { WorkerId = Id, Instance = Id, Endpoint = "http://127.0.0.1:1", Host = "benchmark", ProcessId = 1, BootId = "boot", Plan = plan, NextPlan = next };
        if (steps is { } held) hello.CompletedSteps = held;
        await call.RequestStream.WriteAsync(new WorkerMessage { Run = run, KnownGeneration = newest, Hello = hello }, token);
        Task[] tasks = [ReadAsync(call.ResponseStream, over.Token), WriteAsync(call.RequestStream, over.Token), BeatAsync(over.Token)];
        await Task.WhenAny(tasks);
        await over.CancelAsync();
        await Task.WhenAll(tasks);
    }

    private async Task WriteAsync(IClientStreamWriter<WorkerMessage> writer, CancellationToken token)
    {
        await foreach (var message in unsent.Reader.ReadAllAsync(token))
        {
            await writer.WriteAsync(message, token);
            if (message.Halted is { } halted) fleet.HaltedSent(halted.Generation.Number);
        }
    }

    private async Task BeatAsync(CancellationToken token)
    {
        // Not all in one moment.
        await Task.Delay(Random.Shared.Next(1000), token);
        while (true)
        {
            Beat();
            await Task.Delay(interval, token);
        }
    }

    private void Beat()
    {
        lock (gate)
        {
            if (run.Length == 0) return;
            var heartbeat = new Heartbeat { Sequence = ++sequence, Generation = plan?.Generation, StepTime = new() { Whole = 0.05 } };
            if (steps is { } held) heartbeat.CompletedSteps = held;
            if (plan is not null && Part(plan) is { Slots: > 0 }) heartbeat.SlotSeconds = 0.01;
            due[sequence] = Stopwatch.GetTimestamp();
            Send(new WorkerMessage { Heartbeat = heartbeat });
        }
    }

    private async Task ReadAsync(IAsyncStreamReader<byte[]> reader, CancellationToken token)
    {
        Plan? told = null;
        while (await reader.MoveNext(token)) Hear(fleet.Read(reader.Current, ref told));
    }

    private void Hear(CoordinatorMessage message)
    {
        switch (message.ContentCase)
        {
            case CoordinatorMessage.ContentOneofCase.HeartbeatHeard:
                long at;
                lock (gate)
                {
                    if (!due.Remove(message.HeartbeatHeard.Sequence, out at)) return;
                    interval = TimeSpan.FromMilliseconds(message.HeartbeatHeard.HeartbeatIntervalMs);
                }
                fleet.HeartbeatHeard(at);
                break;
            case CoordinatorMessage.ContentOneofCase.Welcome:
                lock (gate)
                {
                    (run, manifest) = (message.Run, message.Welcome.ManifestId);
                    interval = TimeSpan.FromMilliseconds(message.Welcome.HeartbeatIntervalMs);
                }
                Send(Ready());
                break;
            case CoordinatorMessage.ContentOneofCase.Restore:
                lock (gate) steps = 0;
                Send(Ready());
                break;
            case CoordinatorMessage.ContentOneofCase.Plan:
                Take(message.Plan);
                break;
            case CoordinatorMessage.ContentOneofCase.Halt:
                var halt = message.Halt;
                lock (gate) (newest, plan, next) = (halt.Generation, null, null);
                fleet.HaltHeard();
                var halted = new Halted { Generation = halt.Generation };
                if (steps is { } state) halted.CompletedSteps = state;
                Send(new WorkerMessage { Halted = halted });
                break;
        }
    }

    private void Take(Plan told)
    {
        fleet.PlanHeard(told);
        var (ready, isMember) = (false, Part(told) is not null);
        lock (gate)
        {
            if (told.Equals(plan) || told.Equals(next) || (told.Generation.Term, told.Generation.Number).CompareTo((newest.Term, newest.Number)) < 0) return;
            newest = told.Generation;
            if (told.HasFirstStep)
            {
                ready = isMember && steps != told.FirstStep;
                (plan, next) = (isMember ? told : null, null);
                if (isMember) steps = told.FirstStep;
            }
            else if (plan is not null)
            {
                next = told;
                return;
            }
            else if (isMember)
            {
                // A newcomer follows the others from there; its copy is made at once.
                (plan, ready) = (told, true);
                steps ??= 0;
            }
        }
        if (!isMember) return;
        if (BeatsAtOnce(told)) Beat();
        if (ready) Send(Ready());
    }

    /// <summary>As a worker does it, who computes or is new; others tell it with their next heartbeat.</summary>
    private bool BeatsAtOnce(Plan taken) => Part(taken) is { } part && (part.Slots > 0 || part.CopiesState);

    private WorkerMessage Ready()
    {
        var ready = new Ready { ManifestId = manifest, TotalSteps = fleet.TotalSteps };
        ready.Fingerprint["device"] = "none";
        if (steps is { } held) ready.CompletedSteps = held;
        return new WorkerMessage { Ready = ready };
    }

    private Member? Part(Plan of) => fleet.PartOf(of, Id);
}
