using Grpc.Core;
using VaeCluster.Collectives;
using VaeCluster.Protocol.Segments;
using VaeCluster.Protocol.V1;
using VaeCluster.Worker.Links.Shared;
using SegmentHeader = VaeCluster.Collectives.SegmentHeader;

namespace VaeCluster.Worker.Links;

/// <summary>
/// The way to one peer under one plan: a stream that this member opens. One pump writes; it runs on the thread pool while
/// there is something to write. Nothing is written before the peer has accepted the stream. Where the peer has answered that it
/// reads this process' memory, what lies there is named in a ring instead, and the stream carries the rest.
/// </summary>
/// <remarks>
/// Two locks. `gate` guards the queue and is held for bookkeeping only. `copying` is held by the pump from the moment that it
/// takes a segment off the queue until the transport has copied the payload, which it does before WriteAsync returns, and
/// by whoever has to know that no payload is being read: never longer than one segment's copy.
/// </remarks>
internal sealed class GrpcSegmentLink : ISegmentLink, IThreadPoolWorkItem
{
    private readonly Lock gate = new();
    private readonly Lock copying = new();
    private readonly Queue<(SegmentHeader Header, ReadOnlyMemory<byte> Payload)> queue = new();
    private readonly AsyncDuplexStreamingCall<SegmentMessage, Receipt> call;
    private readonly Action<string> broke;

    /// <summary>Guarded by `gate`; null where the peer is not offered one.</summary>
    private readonly SendRing? ring;
    private readonly Func<SendRing, RingAnswer, bool>? openRing;
    private readonly TaskCompletionSource written = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Task watch;

    private bool accepted;
    private bool pumping;

    /// <summary>Ended here: what happens to the stream from now on is no loss.</summary>
    private bool completing;

    /// <summary>Nothing is written any more.</summary>
    private bool closed;

    /// <param name="invoker">The connection to the peer.</param>
    /// <param name="identity">Who we are, for the peer.</param>
    /// <param name="broke">
    /// Called once, from a thread of the pool, when the stream breaks before it was closed here. A peer that ends it in order
    /// has left the plan for a newer one, which we shall hear of: that is no loss.
    /// </param>
    /// <param name="ring">Offered to a peer on this host; the link's from now on.</param>
    /// <param name="openRing">Looks for what the peer has answered.</param>
    public GrpcSegmentLink(CallInvoker invoker, StreamIdentity identity, Action<string> broke,
        SendRing? ring = null, Func<SendRing, RingAnswer, bool>? openRing = null)
    {
        (this.broke, this.ring, this.openRing) = (broke, ring, openRing);
        var metadata = identity.ToMetadata();
        if (ring is not null) metadata.Add(RingOffer.Key, ring.Offer.ToString());
        // As long as the plan: it has no deadline of its own. The coordinator's lease is what ends it.
        call = SegmentExchange.Open(invoker, new CallOptions(metadata));
        watch = WatchAsync();
    }

    /// <summary>Completes when the stream has ended, whoever ended it.</summary>
    public Task Completion => watch;

    /// <summary>The newest plan that the peer has told us to hold.</summary>
    public Receipt? LastReceipt { get; private set; }

    /// <summary>Payload that the peer reads in our memory.</summary>
    public long BytesShared
    {
        get
        {
            lock (gate) return ring?.BytesSent ?? 0;
        }
    }

    public void Push(in SegmentHeader header, ReadOnlyMemory<byte> payload)
    {
        bool named;
        lock (gate)
        {
            if (closed) return;
            named = ring?.TryPush(in header, payload) ?? false;
            if (!named)
            {
                queue.Enqueue((header, payload));
                if (!MayPump()) return;
            }
        }
        if (named) ring!.Ring();
        else ThreadPool.UnsafeQueueUserWorkItem(this, preferLocal: false);
    }

    public void Drop()
    {
        lock (gate)
        {
            queue.Clear();
            ring?.Withdraw();
        }
        WaitForTheCopy();
    }

    public bool TryRelease(long step)
    {
        lock (gate)
        {
            foreach (var (header, _) in queue)
            {
                if ((long)header.Step <= step) return false;
            }
            if (ring?.HasTaken(step) == false) return false;
        }
        // Whatever was taken off the queue meanwhile has been copied when this returns.
        WaitForTheCopy();
        return true;
    }

    /// <summary>Sends what is queued, then ends the stream; after the grace it is cut.</summary>
    public async Task CloseAsync(TimeSpan grace, TimeProvider time)
    {
        bool pump;
        lock (gate)
        {
            completing = true;
            pump = MayPump();
        }
        if (pump) ThreadPool.UnsafeQueueUserWorkItem(this, preferLocal: false);
        await Task.WhenAll(written.Task, watch).WaitAsync(grace, time).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        StopWriting();
        call.Dispose();
        await watch.ConfigureAwait(false);
        Withdraw();
    }

    /// <summary>Cuts the stream at once.</summary>
    public void Cut()
    {
        lock (gate) completing = true;
        StopWriting();
        Withdraw();
        call.Dispose();
    }

    void IThreadPoolWorkItem.Execute() => _ = PumpAsync();

    /// <summary>Under `gate`. True obliges the caller to start the pump.</summary>
    private bool MayPump()
    {
        if (pumping || !accepted || closed || (queue.Count == 0 && !completing)) return false;
        return pumping = true;
    }

    private async Task PumpAsync()
    {
        try
        {
            while (TryWrite(out var write)) await write.ConfigureAwait(false);
        }
        catch (Exception exception) when (exception is RpcException or HttpRequestException or IOException or InvalidOperationException or OperationCanceledException)
        {
            // The call is over: the one who watches it knows why.
            StopWriting();
        }
    }

    private bool TryWrite(out Task write)
    {
        lock (copying)
        {
            SegmentHeader header;
            ReadOnlyMemory<byte> payload;
            lock (gate)
            {
                if (closed || (queue.Count == 0 && !completing))
                {
                    (pumping, write) = (false, Task.CompletedTask);
                    return false;
                }
                if (queue.Count == 0)
                {
                    // The last thing: `pumping` stays, so that nothing is written any more.
                    written.TrySetResult();
                    write = call.RequestStream.CompleteAsync();
                    closed = true;
                    return true;
                }
                (header, payload) = queue.Dequeue();
            }
            write = call.RequestStream.WriteAsync(new SegmentMessage(SegmentMapping.ToWire(in header), payload));
            return true;
        }
    }

    private async Task WatchAsync()
    {
        // Off the caller's thread: it opens one link after the other.
        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        string? reason = null;
        try
        {
            var answer = (await call.ResponseHeadersAsync.ConfigureAwait(false)).GetValue(RingAnswer.Key);
            bool pump;
            lock (gate)
            {
                if (ring is not null) OpenRing(RingAnswer.Parse(answer));
                accepted = true;
                pump = MayPump();
            }
            ring?.Ring();
            if (pump) ThreadPool.UnsafeQueueUserWorkItem(this, preferLocal: false);
            while (await call.ResponseStream.MoveNext(CancellationToken.None).ConfigureAwait(false)) LastReceipt = call.ResponseStream.Current;
        }
        catch (RpcException exception)
        {
            reason = $"{exception.StatusCode}: {exception.Status.Detail}";
        }
        catch (Exception exception) when (exception is OperationCanceledException or ObjectDisposedException or InvalidOperationException)
        {
            reason = exception.Message;
        }
        StopWriting();
        bool lost;
        lock (gate) lost = !completing;
        if (lost && reason is not null) broke(reason);
    }

    /// <summary>Under `gate`. What has come meanwhile goes the new way.</summary>
    private void OpenRing(RingAnswer? answer)
    {
        if (answer is null || !openRing!(ring!, answer)) ring!.Withdraw();
        for (var left = ring!.IsOpen ? queue.Count : 0; left > 0; left--)
        {
            var (header, payload) = queue.Dequeue();
            if (!ring.TryPush(in header, payload)) queue.Enqueue((header, payload));
        }
    }

    private void Withdraw()
    {
        lock (gate) ring?.Withdraw();
    }

    private void StopWriting()
    {
        lock (gate)
        {
            closed = true;
            queue.Clear();
        }
        written.TrySetResult();
    }

    private void WaitForTheCopy()
    {
        lock (copying)
        {
            // Nothing to do: it was enough to wait.
        }
    }
}
