using Google.Protobuf;
using Grpc.Core;
using VaeCluster.Protocol.V1;

namespace VaeCluster.Worker.State;

/// <summary>Serves this member's snapshots to others, as state.proto says. Training goes on meanwhile.</summary>
/// <param name="source">Where snapshots come from.</param>
/// <param name="run">The run's id; null while it is not known.</param>
/// <param name="options">Null for the defaults.</param>
public sealed class StateTransferService(StateSource source, Func<string?> run, StateOptions? options = null) : StateTransfer.StateTransferBase
{
    private readonly StateOptions options = options ?? new StateOptions();
    private int readers;
    private long bytesSent;
    private long refused;

    /// <summary>State sent to others, in bytes.</summary>
    public long BytesSent => Interlocked.Read(ref bytesSent);

    /// <summary>Calls that were refused.</summary>
    public long Refused => Interlocked.Read(ref refused);

    public override async Task Fetch(FetchRequest request, IServerStreamWriter<StatePiece> responseStream, ServerCallContext context)
    {
        if (Interlocked.Increment(ref readers) > options.MostReaders)
        {
            Interlocked.Decrement(ref readers);
            throw Refuse(StatusCode.ResourceExhausted, $"{options.MostReaders} members copy the state from this one already.");
        }
        try
        {
            if (request.Run != run()) throw Refuse(StatusCode.FailedPrecondition, "This is a member of another run.");
            if (request.Generation is null) throw Refuse(StatusCode.InvalidArgument, "The request names no generation.");
            long? wanted = request.HasCompletedSteps ? checked((long)Math.Min(request.CompletedSteps, long.MaxValue)) : null;
            var answer = await source.WaitAsync(new(request.Generation.Term, request.Generation.Number), wanted, context.CancellationToken).ConfigureAwait(false);
            if (answer.Snapshot is not { } snapshot) throw Refuse(StatusCode.FailedPrecondition, answer.Refusal!);
            try
            {
                await SendAsync(snapshot, request, responseStream, context.CancellationToken).ConfigureAwait(false);
            }
            finally
            {
                source.Return(snapshot);
            }
        }
        catch (Exception exception) when (exception is OperationCanceledException
            || (exception is IOException or InvalidOperationException && context.CancellationToken.IsCancellationRequested))
        {
            throw new RpcException(new Status(StatusCode.Cancelled, "The reader went away."));
        }
        finally
        {
            Interlocked.Decrement(ref readers);
        }
    }

    private async Task SendAsync(StateSnapshot snapshot, FetchRequest request, IServerStreamWriter<StatePiece> pieces, CancellationToken cancellationToken)
    {
        var total = (ulong)snapshot.Layout.TotalBytes;
        var end = request.EndByte == 0 ? total : request.EndByte;
        if (request.DescribeOnly)
        {
            await pieces.WriteAsync(new StatePiece { CompletedSteps = (ulong)snapshot.CompletedSteps, TotalBytes = total }, cancellationToken).ConfigureAwait(false);
            return;
        }
        if (end > total || request.FirstByte > end) throw Refuse(StatusCode.OutOfRange, $"The state has {total} bytes; asked for were {request.FirstByte} to {end}.");
        for (var at = (long)request.FirstByte; at < (long)end;)
        {
            // Whole pieces have one hash for all readers; the ends of an odd range are hashed for themselves.
            var piece = (int)(at / StateSnapshot.PieceBytes);
            var begins = (long)piece * StateSnapshot.PieceBytes;
            var stop = Math.Min(begins + snapshot.LengthOf(piece), (long)end);
            var data = snapshot.Memory(piece)[(int)(at - begins)..(int)(stop - begins)];
            var whole = data.Length == snapshot.LengthOf(piece);
            await pieces.WriteAsync(
                new StatePiece
                {
                    CompletedSteps = (ulong)snapshot.CompletedSteps,
                    TotalBytes = total,
                    Offset = (ulong)at,
                    Sha256 = UnsafeByteOperations.UnsafeWrap(whole ? snapshot.HashOf(piece) : System.Security.Cryptography.SHA256.HashData(data.Span)),
                    Data = UnsafeByteOperations.UnsafeWrap(data),
                },
                cancellationToken).ConfigureAwait(false);
            Interlocked.Add(ref bytesSent, data.Length);
            at = stop;
        }
    }

    private RpcException Refuse(StatusCode status, string detail)
    {
        Interlocked.Increment(ref refused);
        return new RpcException(new Status(status, detail));
    }
}
