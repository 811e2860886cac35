using System.Security.Cryptography;
using Grpc.Core;
using VaeCluster.Protocol.V1;
using VaeCluster.Worker.Links;

namespace VaeCluster.Worker.State;

/// <summary>One source of a copy. Once it has failed it is not asked again: another serves the rest.</summary>
internal sealed class StateFetch : IDisposable
{
    private readonly PeerChannel channel;
    private readonly FetchRequest wanted;
    private readonly StateOptions options;

    public StateFetch(PlanMember source, PeerDialer dialer, FetchRequest wanted, StateOptions options)
    {
        (Source, this.wanted, this.options) = (source, wanted, options);
        channel = dialer.Dial(source.Endpoint);
    }

    public PlanMember Source { get; }

    /// <summary>Why it is not asked any more: a sentence.</summary>
    public string? Failure { get; private set; }

    /// <summary>Which state it offered; null while it has not, and when it failed.</summary>
    public ulong? Described { get; private set; }

    /// <param name="totalBytes">What our state has.</param>
    /// <param name="late">Ends the waiting.</param>
    public async Task<ulong?> DescribeAsync(long totalBytes, CancellationToken late)
    {
        var request = wanted.Clone();
        request.DescribeOnly = true;
        ulong? steps = null;
        await ReadAsync(request, options.FirstWord, piece =>
        {
            if (piece.TotalBytes != (ulong)totalBytes) return $"Its state has {piece.TotalBytes} bytes, ours {totalBytes}: not the same model or configuration.";
            if (wanted.HasCompletedSteps && piece.CompletedSteps != wanted.CompletedSteps)
            {
                return $"It offers the state after {piece.CompletedSteps} steps, not that after {wanted.CompletedSteps}.";
            }
            if (piece.CompletedSteps > long.MaxValue) return $"It offers the state after {piece.CompletedSteps} steps.";
            steps = piece.CompletedSteps;
            return null;
        }, late).ConfigureAwait(false);
        if (Failure is null && steps is null) Failure = "It described nothing.";
        return Described = Failure is null ? steps : null;
    }

    /// <summary>Fetches ranges until there are none, or until it fails.</summary>
    public async Task RunAsync(StateSnapshot snapshot, StateRanges ranges, CancellationToken cancellationToken)
    {
        while (Failure is null && await ranges.TakeAsync(cancellationToken).ConfigureAwait(false) is var (first, end))
        {
            var at = first;
            var request = wanted.Clone();
            (request.FirstByte, request.EndByte) = ((ulong)first, (ulong)end);
            try
            {
                // One that was behind the others has to finish a step before its first word.
                var patience = Described == (ulong)snapshot.CompletedSteps ? options.Silence : options.FirstWord;
                await ReadAsync(request, patience, Place, cancellationToken).ConfigureAwait(false);
                cancellationToken.ThrowIfCancellationRequested();
                if (Failure is null && at < end) Failure = $"It ended {end - at} bytes too early.";
            }
            finally
            {
                ranges.GiveBack(at, end);
            }

            string? Place(StatePiece piece)
            {
                var data = piece.Data.Span;
                if (piece.CompletedSteps != (ulong)snapshot.CompletedSteps) return $"It sent the state after {piece.CompletedSteps} steps.";
                if (piece.Offset != (ulong)at || data.Length == 0 || data.Length > end - at) return $"A piece lies at {piece.Offset}, not at {at}.";
                if (!SHA256.HashData(data).AsSpan().SequenceEqual(piece.Sha256.Span)) return $"The piece at {at} has another hash than it says.";
                data.CopyTo(snapshot.Bytes(at, data.Length));
                at += data.Length;
                ranges.Arrived(data.Length);
                Described = piece.CompletedSteps;
                return null;
            }
        }
    }

    public void Dispose() => channel.Dispose();

    /// <summary>Reads one answer; whatever goes wrong, cancellation too, becomes the source's failure.</summary>
    private async Task ReadAsync(FetchRequest request, TimeSpan patience, Func<StatePiece, string?> take, CancellationToken cancellationToken)
    {
        using var silence = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        silence.CancelAfter(patience);
        try
        {
            using var call = new StateTransfer.StateTransferClient(channel.Invoker).Fetch(request, cancellationToken: silence.Token);
            while (Failure is null && await call.ResponseStream.MoveNext(silence.Token).ConfigureAwait(false))
            {
                Failure = take(call.ResponseStream.Current);
                silence.CancelAfter(options.Silence);
            }
        }
        catch (Exception exception) when (exception is RpcException or OperationCanceledException)
        {
            Failure = exception is RpcException { StatusCode: not StatusCode.Cancelled } rpc
                ? $"{rpc.StatusCode}: {rpc.Status.Detail}"
                : "It was silent for too long.";
        }
    }
}
