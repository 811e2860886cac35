using System.Collections.Concurrent;
using Grpc.Core;
using Microsoft.Extensions.Logging;
using VaeCluster.Collectives;
using VaeCluster.Protocol.Segments;
using VaeCluster.Protocol.V1;
using VaeCluster.Worker.Links.Shared;

namespace VaeCluster.Worker.Links;

/// <summary>
/// The receiving side: each stream that a peer opens is judged by its metadata, waits for its plan, is accepted (by the
/// response's headers), and is then read until it ends. Payloads are copied once, to where the exchange wants them, while
/// the message is being parsed; sums run right after, on the same thread.
/// </summary>
internal sealed class SegmentReceiver : ISegmentSink, IDisposable
{
    /// <summary>The stream that the asking task reads: sinks are asked without it, but within the handler's flow.</summary>
    private static readonly AsyncLocal<InboundStream?> Reading = new();

    private readonly LinkOptions options;
    private readonly Func<Collectives.Generation, MemberPlan?> plans;
    private readonly Action<Collectives.Generation, int, string> lost;
    private readonly ILogger logger;
    private readonly ConcurrentDictionary<(Collectives.Generation Generation, int Rank), InboundStream> streams = new();
    private readonly long[] refused = new long[Enum.GetValues<StreamRefusal>().Length];
    private readonly TaskCompletionSource<(string Run, Exchange Exchange, SharedLinks? Shared)> attached = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly CancellationTokenSource stopping = new();
    private int waiting;

    public SegmentReceiver(LinkOptions options, Func<Collectives.Generation, MemberPlan?> plans, Action<Collectives.Generation, int, string> lost, ILogger logger)
    {
        (this.options, this.plans, this.lost, this.logger) = (options, plans, lost, logger);
        Service = SegmentExchange.Serve(this, ReceiveAsync);
    }

    public ServerServiceDefinition Service { get; }

    /// <param name="run">Its id.</param>
    /// <param name="exchange">Where segments go.</param>
    /// <param name="shared">For members on this host; null where everything goes by gRPC.</param>
    public void Attach(string run, Exchange exchange, SharedLinks? shared) => attached.SetResult((run, exchange, shared));

    public long Refused(StreamRefusal reason) => Interlocked.Read(ref refused[(int)reason]);

    /// <summary>Streams of older plans end in order; after the grace they are cut. What becomes of them is no loss.</summary>
    public void CloseBefore(Collectives.Generation generation)
    {
        foreach (var ((old, _), stream) in streams)
        {
            if (old < generation) stream.CloseAfter(options.CloseGrace);
        }
    }

    /// <summary>
    /// Ends all streams, those that wait for a plan too: a host that stops waits for its calls. The source itself is left to
    /// the collector, because streams that come late still ask it.
    /// </summary>
    public void Dispose() => stopping.Cancel();

    SegmentPlace ISegmentSink.PlaceFor(in Protocol.Segments.SegmentHeader header, int payloadBytes)
    {
        var stream = Reading.Value ?? throw new InvalidOperationException("Segments are read in a handler.");
        var segment = SegmentMapping.FromWire(in header);
        if (segment.Sender != (uint)stream.Identity.Rank || segment.Generation != stream.Identity.Generation)
        {
            return SegmentPlace.Refuse($"The stream is that of rank {stream.Identity.Rank} in plan {stream.Identity.Generation}, "
                + $"but a segment names rank {segment.Sender} in plan {segment.Generation}.");
        }
        var landing = stream.Exchange.Resolve(in segment, payloadBytes);
        if (landing.Skips) return SegmentPlace.Skip;
        if (landing.Refused)
        {
            return SegmentPlace.Refuse($"{landing.Refusal}: step {segment.Step}, bucket {segment.Bucket}, chunk {segment.Chunk}, "
                + $"{segment.Phase}, offset {segment.Offset}, {payloadBytes} bytes, slots {segment.FirstSlot}+{segment.Slots}, plan {segment.Generation}.");
        }
        stream.Landing = segment;
        return SegmentPlace.Into(landing.Destination);
    }

    private async Task ReceiveAsync(IAsyncStreamReader<SegmentMessage> segments, IServerStreamWriter<Receipt> receipts, ServerCallContext context)
    {
        var identity = StreamIdentity.From(context.RequestHeaders)
            ?? throw Refuse(StreamRefusal.Nameless, context, StatusCode.InvalidArgument, "The stream's metadata do not say whose it is.");
        var (plan, exchange, shared) = await AdmitAsync(identity, context).ConfigureAwait(false);
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(context.CancellationToken, stopping.Token);
        using var stream = new InboundStream(identity, exchange, ending.Token);
        if (!streams.TryAdd((identity.Generation, identity.Rank), stream))
        {
            throw Refuse(StreamRefusal.Doubled, context, StatusCode.AlreadyExists, $"Rank {identity.Rank} sends under plan {identity.Generation} already.");
        }
        ReceiveRing? ring = null;
        try
        {
            Reading.Value = stream;
            var answer = new Metadata();
            if (shared is not null && plan.SharesHost(identity.Rank) && RingOffer.Parse(context.RequestHeaders.GetValue(RingOffer.Key)) is { } offer)
            {
                ring = shared.TryAccept(offer, identity, exchange, stream.Fail);
                if (ring is not null) answer.Add(RingAnswer.Key, ring.Answer.ToString());
            }
            await context.WriteResponseHeadersAsync(answer).ConfigureAwait(false);
            await receipts.WriteAsync(new Receipt { KnownGeneration = new() { Term = plan.Generation.Term, Number = plan.Generation.Number } }).ConfigureAwait(false);
            await stream.ReadAsync(segments).ConfigureAwait(false);
            ring?.TakeRest();
        }
        catch (RpcException exception)
        {
            // Thrown while parsing: what it sent was no segment, or none for us.
            var reason = exception.StatusCode == StatusCode.FailedPrecondition ? StreamRefusal.WrongSegment : StreamRefusal.Malformed;
            throw Lose(stream, Refuse(reason, context, exception.StatusCode, exception.Status.Detail));
        }
        catch (OperationCanceledException) when (stream.Failure is { } failure)
        {
            throw Lose(stream, Refuse(StreamRefusal.WrongSegment, context, StatusCode.FailedPrecondition, failure));
        }
        catch (OperationCanceledException) when (stream.IsClosing && !ending.IsCancellationRequested)
        {
            // We have left the plan; the peer, which has not yet, is told so by an end in order.
        }
        catch (Exception exception) when (exception is IOException or OperationCanceledException or InvalidOperationException)
        {
            throw Lose(stream, new RpcException(new Status(StatusCode.Cancelled, $"The stream broke: {exception.Message}")));
        }
        finally
        {
            if (ring is not null) shared!.Close(ring);
            stream.Abandon();
            streams.TryRemove(KeyValuePair.Create((identity.Generation, identity.Rank), stream));
        }
    }

    /// <summary>Whose stream it is, and whether that is true. Returns once the plan is open or prepared here.</summary>
    private async Task<(MemberPlan Plan, Exchange Exchange, SharedLinks? Shared)> AdmitAsync(StreamIdentity identity, ServerCallContext context)
    {
        if (Interlocked.Increment(ref waiting) > options.MostWaiting)
        {
            Interlocked.Decrement(ref waiting);
            throw Refuse(StreamRefusal.TooMany, context, StatusCode.ResourceExhausted, $"{options.MostWaiting} streams wait for a plan.");
        }
        using var grace = CancellationTokenSource.CreateLinkedTokenSource(context.CancellationToken, stopping.Token);
        grace.CancelAfter(options.PlanGrace);
        try
        {
            var (run, exchange, shared) = await attached.Task.WaitAsync(grace.Token).ConfigureAwait(false);
            if (identity.Run != run) throw Refuse(StreamRefusal.WrongRun, context, StatusCode.FailedPrecondition, "This is a member of another run.");
            if (!await exchange.WaitForPlanAsync(identity.Generation, grace.Token).ConfigureAwait(false) || plans(identity.Generation) is not { } plan)
            {
                throw Refuse(StreamRefusal.StaleGeneration, context, StatusCode.FailedPrecondition, $"Plan {identity.Generation} is over here.");
            }
            if ((uint)identity.Rank >= (uint)plan.Members.Count || identity.Rank == plan.Rank || plan.Members[identity.Rank].WorkerId != identity.WorkerId)
            {
                throw Refuse(StreamRefusal.WrongMember, context, StatusCode.FailedPrecondition,
                    $"Rank {identity.Rank} of plan {identity.Generation} is not that of {identity.WorkerId}.");
            }
            return (plan, exchange, shared);
        }
        catch (OperationCanceledException)
        {
            throw Refuse(StreamRefusal.UnknownGeneration, context, StatusCode.Unavailable, $"Plan {identity.Generation} did not come here in time.");
        }
        finally
        {
            Interlocked.Decrement(ref waiting);
        }
    }

    private RpcException Refuse(StreamRefusal reason, ServerCallContext context, StatusCode status, string detail)
    {
        if (Interlocked.Increment(ref refused[(int)reason]) == 1) LinkLog.StreamRefused(logger, context.Peer, detail);
        return new RpcException(new Status(status, detail));
    }

    private RpcException Lose(InboundStream stream, RpcException why)
    {
        if (!stream.IsClosing) lost(stream.Identity.Generation, stream.Identity.Rank, why.Status.Detail);
        return why;
    }
}
