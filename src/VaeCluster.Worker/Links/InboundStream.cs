using Grpc.Core;
using VaeCluster.Collectives;
using VaeCluster.Protocol.Segments;
using SegmentHeader = VaeCluster.Collectives.SegmentHeader;

namespace VaeCluster.Worker.Links;

/// <summary>A peer's stream while it is read. One task reads it; closing comes from any thread.</summary>
internal sealed class InboundStream : IDisposable
{
    private readonly Lock gate = new();
    private readonly CancellationTokenSource ending;
    private bool disposed;

    public InboundStream(StreamIdentity identity, Exchange exchange, CancellationToken call)
    {
        (Identity, Exchange) = (identity, exchange);
        ending = CancellationTokenSource.CreateLinkedTokenSource(call);
    }

    public StreamIdentity Identity { get; }

    public Exchange Exchange { get; }

    /// <summary>A segment that has a place, and is not there yet.</summary>
    public SegmentHeader? Landing { get; set; }

    public bool IsClosing { get; private set; }

    /// <summary>Why it was ended from here: what came beside it was no segment for us.</summary>
    public string? Failure { get; private set; }

    public async Task ReadAsync(IAsyncStreamReader<SegmentMessage> segments)
    {
        while (await segments.MoveNext(ending.Token).ConfigureAwait(false))
        {
            if (Landing is not { } header) continue;
            Landing = null;
            Exchange.Received(in header);
        }
    }

    /// <summary>At the end: what had a place and did not come will not come.</summary>
    public void Abandon()
    {
        if (Landing is { } header) Exchange.Abandoned(in header);
        Landing = null;
    }

    public void CloseAfter(TimeSpan grace)
    {
        lock (gate)
        {
            if (disposed) return;
            IsClosing = true;
            ending.CancelAfter(grace);
        }
    }

    public void Fail(string reason)
    {
        lock (gate)
        {
            if (disposed) return;
            Failure ??= reason;
            ending.Cancel();
        }
    }

    public void Dispose()
    {
        lock (gate)
        {
            disposed = true;
            ending.Dispose();
        }
    }
}
