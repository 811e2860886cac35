using Grpc.Core;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using VaeCluster.Protocol.Plans;
using VaeCluster.Protocol.V1;

namespace VaeCluster.Worker.Control;

/// <summary>
/// The worker's stream to the coordinator, for as long as the worker lives: opened again with growing pauses, obeying the
/// highest term seen. Training does not wait for it. What the host sends is queued and said in order; what matters is said
/// again after a reconnection.
/// <code>
/// connection.Records.Add(record)    for each completed step; the writer's go with the next heartbeat
/// connection.Send(message)          Ready, PeerLost, Halted, Goodbye, SlotFailed, StateHash, CheckpointWritten
/// connection.SendRecords = true     while this member is the plan's writer
/// connection.HeartbeatNow()         when a plan comes into force
/// await connection.RunAsync(token)  ends when the token does, or when the coordinator refuses this worker for good
/// </code>
/// </summary>
/// <param name="invoker">The connection underneath, with the token.</param>
/// <param name="host">The worker.</param>
/// <param name="options">Null for the defaults.</param>
/// <param name="time">Null for the system's.</param>
/// <param name="logs">Null for none.</param>
public sealed class CoordinatorConnection(CallInvoker invoker, IControlHost host, ConnectionOptions? options = null, TimeProvider? time = null, ILoggerFactory? logs = null)
{
    private readonly ConnectionOptions options = options ?? new ConnectionOptions();
    private readonly TimeProvider time = time ?? TimeProvider.System;
    private readonly ILogger logger = logs?.CreateLogger<CoordinatorConnection>() ?? NullLogger<CoordinatorConnection>.Instance;
    private readonly PendingMessages pending = new((options ?? new ConnectionOptions()).MostPending);
    private volatile ControlStream? stream;
    private volatile bool sendRecords;
    private volatile string? lastReason;
    private readonly Lock knowing = new();
    private Collectives.Generation known;
    private ulong sequence;

    /// <summary>The run's id; empty before the first Welcome, or what a restarted worker remembers.</summary>
    public string Run { get; set; } = "";

    /// <summary>The highest term seen; 0 before the first.</summary>
    public ulong Term { get; private set; }

    /// <summary>The newest generation that this worker knows, told with each message.</summary>
    public Collectives.Generation KnownGeneration
    {
        get { lock (knowing) return known; }
        set { lock (knowing) known = value; }
    }

    /// <summary>Between Welcome and the stream's end.</summary>
    public bool IsConnected => stream is not null;

    /// <summary>How often a Welcome has come.</summary>
    public long Connections { get; private set; }

    /// <summary>Messages that the coordinator has not certainly heard.</summary>
    public int Unconfirmed => pending.Count;

    /// <summary>Records of steps that the coordinator has not acknowledged.</summary>
    public StepRecordLog Records { get; } = new(time);

    /// <summary>Whether this member is the plan's writer, who sends records, beginning with the oldest it has.</summary>
    public bool SendRecords
    {
        get => sendRecords;
        set
        {
            if (sendRecords == value) return;
            Records.Rewind();
            sendRecords = value;
            stream?.Wake();
        }
    }

    /// <summary>Queues a message. It is said in order, as soon as there is a stream, and until the coordinator has heard it.</summary>
    public void Send(WorkerMessage message)
    {
        ArgumentNullException.ThrowIfNull(message);
        pending.Add(message);
        stream?.Wake();
    }

    /// <summary>Ends the stream and opens another, with a new Hello.</summary>
    public void Reconnect() => stream?.End();

    /// <summary>A heartbeat out of turn.</summary>
    public void HeartbeatNow() => stream?.Beat();

    /// <summary>Waits until everything queued was written and heard, for a goodbye. False when the time was over first.</summary>
    public async Task<bool> FlushAsync(TimeSpan timeout, CancellationToken cancellationToken)
    {
        var start = time.GetTimestamp();
        while (pending.Count > 0 || (sendRecords && Records.Count > 0))
        {
            if (time.GetElapsedTime(start) > timeout) return false;
            HeartbeatNow();
            await Task.Delay(TimeSpan.FromMilliseconds(20), time, cancellationToken).ConfigureAwait(false);
        }
        return true;
    }

    public async Task<ConnectionOutcome> RunAsync(CancellationToken cancellationToken)
    {
        var pause = options.FirstPause;
        try
        {
            while (true)
            {
                var before = Connections;
                var result = await ConnectAsync(cancellationToken).ConfigureAwait(false);
                if (result.Outcome is { } outcome) return outcome;
                // Said when it begins and when the reason changes, not at each attempt.
                if (lastReason != result.Reason) ControlLog.Unreachable(logger, lastReason = result.Reason);
                if (Connections > before) pause = options.FirstPause;
                // Up to half more, so that a thousand workers do not come back in one moment.
                var wait = result.RetryAfter ?? pause * (1 + Random.Shared.NextDouble() / 2);
                await Task.Delay(wait, time, cancellationToken).ConfigureAwait(false);
                pause = pause * 2 < options.LongestPause ? pause * 2 : options.LongestPause;
            }
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            return new ConnectionOutcome(ConnectionEnd.Closed, "It was closed here.");
        }
    }

    /// <summary>One stream, from Hello to its end.</summary>
    private async Task<StreamEnd> ConnectAsync(CancellationToken cancellationToken)
    {
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        using var call = new Membership.MembershipClient(invoker).Join(cancellationToken: ending.Token);
        ControlStream? opened = null;
        Task writing = Task.CompletedTask;
        try
        {
            await call.RequestStream.WriteAsync(Fill(new WorkerMessage { Hello = host.DescribeSelf() }), ending.Token).ConfigureAwait(false);
            if (!await call.ResponseStream.MoveNext(ending.Token).WaitAsync(options.Welcome, time, ending.Token).ConfigureAwait(false))
            {
                return new StreamEnd("It ended the stream without an answer.");
            }
            var first = call.ResponseStream.Current;
            if (first.ContentCase == CoordinatorMessage.ContentOneofCase.Refused) return Refuse(first);
            if (Stale(first) is { } stale) return new StreamEnd(stale);
            if (first.ContentCase != CoordinatorMessage.ContentOneofCase.Welcome) return new StreamEnd($"It answered with {first.ContentCase} instead of Welcome.");

            (Run, Term, lastReason) = (first.Welcome.Run, first.Term, null);
            pending.Rewind();
            Records.Rewind();
            opened = new ControlStream(TimeSpan.FromMilliseconds(first.Welcome.HeartbeatIntervalMs), options, time, () => _ = ending.CancelAsync());
            host.Received(first);
            stream = opened;
            Connections++;
            ControlLog.Connected(logger, Run, Term);

            writing = WriteAsync(call.RequestStream, opened, ending);
            Plan? told = null;
            while (await call.ResponseStream.MoveNext(ending.Token).ConfigureAwait(false))
            {
                var message = call.ResponseStream.Current;
                if (message.ContentCase == CoordinatorMessage.ContentOneofCase.Refused) return Refuse(message);
                if (message.Plan is { } plan)
                {
                    if (!PlanNames.TryComplete(plan, told, out told)) return new StreamEnd("Its plan points to a member that it has not named.");
                    message.Plan = told;
                }
                Take(message, opened);
            }
            return new StreamEnd("It ended the stream.");
        }
        catch (RpcException exception) when (exception.StatusCode is StatusCode.Unauthenticated or StatusCode.PermissionDenied && Connections == 0)
        {
            return new StreamEnd(exception.Status.Detail) { Outcome = new(ConnectionEnd.NotAllowed, "The coordinator does not take this worker's token. Give both the same one.") };
        }
        catch (Exception exception) when (IsBroken(exception) || exception is TimeoutException)
        {
            cancellationToken.ThrowIfCancellationRequested();
            return new StreamEnd(opened?.Silence ?? exception switch
            {
                RpcException rpc => $"{rpc.StatusCode}: {rpc.Status.Detail}",
                TimeoutException => $"It has not answered the hello for {options.Welcome.TotalSeconds:F1} s.",
                _ => exception.Message,
            });
        }
        finally
        {
            stream = null;
            opened?.Dispose();
            await ending.CancelAsync().ConfigureAwait(false);
            await writing.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    /// <summary>Messages first, records next, heartbeats when their time has come.</summary>
    private async Task WriteAsync(IClientStreamWriter<WorkerMessage> writer, ControlStream opened, CancellationTokenSource ending)
    {
        try
        {
            while (true)
            {
                while (pending.TakeUnwritten(sequence) is { } message) await writer.WriteAsync(Fill(message), ending.Token).ConfigureAwait(false);
                // One message of them at a time: heartbeats do not wait for thousands of steps.
                var records = sendRecords ? Records.TakeUnsent() : null;
                if (records is not null) await writer.WriteAsync(Fill(new WorkerMessage { StepRecords = records }), ending.Token).ConfigureAwait(false);
                if (opened.TakeBeat() && host.TakeHeartbeat() is { } heartbeat)
                {
                    heartbeat.Sequence = ++sequence;
                    opened.Sent(sequence);
                    await writer.WriteAsync(Fill(new WorkerMessage { Heartbeat = heartbeat }), ending.Token).ConfigureAwait(false);
                }
                if (records is not null) continue;
                await opened.WaitAsync(ending.Token).ConfigureAwait(false);
                Records.RewindAfter(options.RecordsAgain);
            }
        }
        catch (Exception exception) when (IsBroken(exception))
        {
            // The stream is over: the one who reads it knows why.
        }
        finally
        {
            await ending.CancelAsync().ConfigureAwait(false);
        }
    }

    private void Take(CoordinatorMessage message, ControlStream opened)
    {
        if (Stale(message) is { } stale)
        {
            ControlLog.Ignored(logger, stale);
            return;
        }
        Term = message.Term;
        switch (message.ContentCase)
        {
            case CoordinatorMessage.ContentOneofCase.HeartbeatHeard:
                opened.Heard(message.HeartbeatHeard.Sequence, TimeSpan.FromMilliseconds(message.HeartbeatHeard.HeartbeatIntervalMs));
                pending.Confirm(message.HeartbeatHeard.Sequence);
                break;
            case CoordinatorMessage.ContentOneofCase.RecordsAcknowledged:
                Records.AcknowledgeBefore(message.RecordsAcknowledged.BeforeStep);
                if (!message.RecordsAcknowledged.Again) break;
                Records.Rewind();
                opened.Wake();
                break;
            case CoordinatorMessage.ContentOneofCase.None:
                ControlLog.Ignored(logger, "It has no content that this version knows.");
                break;
            default:
                host.Received(message);
                break;
        }
    }

    /// <summary>A write into a connection that goes away at that moment throws what HTTP has to say of it, and no status.</summary>
    private static bool IsBroken(Exception exception) =>
        exception is RpcException or HttpRequestException or IOException or InvalidOperationException or OperationCanceledException;

    private string? Stale(CoordinatorMessage message)
    {
        if (message.Term < Term) return $"It is of term {message.Term}, and term {Term} has begun.";
        return Run.Length > 0 && message.Run != Run ? $"It is of run {message.Run}, and this worker is in run {Run}." : null;
    }

    private StreamEnd Refuse(CoordinatorMessage message)
    {
        host.Received(message);
        var reason = message.Refused.Reason;
        return message.Refused.RetryAfterMs == 0
            ? new StreamEnd(reason) { Outcome = new(ConnectionEnd.Refused, reason) }
            : new StreamEnd(reason) { RetryAfter = TimeSpan.FromMilliseconds(message.Refused.RetryAfterMs) };
    }

    private WorkerMessage Fill(WorkerMessage message)
    {
        message.Run = Run;
        var known = KnownGeneration;
        if (known != default) message.KnownGeneration = new() { Term = known.Term, Number = known.Number };
        return message;
    }

    private sealed record StreamEnd(string Reason)
    {
        /// <summary>For the end of all attempts.</summary>
        public ConnectionOutcome? Outcome { get; init; }

        public TimeSpan? RetryAfter { get; init; }
    }
}
