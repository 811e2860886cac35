using System.Security.Cryptography;
using Google.Protobuf;
using Grpc.Core;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using VaeCluster.Protocol.V1;
using VaeCluster.Worker.Links;
using VaeCluster.Worker.State;

namespace VaeCluster.Worker.Tests.State;

public enum Fault
{
    /// <summary>A bit differs on the way: the piece has not the hash that it says.</summary>
    WrongByte,
    WrongHash,
    WrongOffset,
    LongPiece,
    EmptyPiece,
    OtherState,
    EndsEarly,
    FallsSilent,
    OffersOtherSize,
    OffersOtherState,
    OffersNothing,
    Refuses,
}

/// <summary>A source beside the real one that does one thing wrong in each answer, after a first good piece where it sends any.</summary>
internal sealed class FaultySource(Fault fault, long completedSteps) : StateTransfer.StateTransferBase, IAsyncDisposable
{
    private LoopbackServer server = null!;

    public PlanMember Member => new("faulty", server.Address, default, CopiesState: false, "boot");

    public static async Task<FaultySource> StartAsync(Fault fault, long completedSteps)
    {
        var source = new FaultySource(fault, completedSteps);
        source.server = await LoopbackServer.StartAsync(app => app.MapGrpcService<FaultySource>(), services: services => services.AddSingleton(source));
        return source;
    }

    public override async Task Fetch(FetchRequest request, IServerStreamWriter<StatePiece> responseStream, ServerCallContext context)
    {
        using var snapshot = new StateSnapshot(StateMember.Layout, completedSteps);
        StateMember.Fill(snapshot);
        var total = snapshot.Layout.TotalBytes;
        if (fault == Fault.Refuses) throw new RpcException(new Status(StatusCode.FailedPrecondition, "Not here."));
        if (request.DescribeOnly)
        {
            if (fault == Fault.OffersNothing) return;
            await responseStream.WriteAsync(new StatePiece
            {
                CompletedSteps = (ulong)completedSteps + (fault == Fault.OffersOtherState ? 1ul : 0),
                TotalBytes = (ulong)total + (fault == Fault.OffersOtherSize ? 1ul : 0),
            });
            return;
        }
        var end = request.EndByte == 0 ? total : (long)request.EndByte;
        for (var at = (long)request.FirstByte; at < end; at += StateSnapshot.PieceBytes)
        {
            var data = snapshot.Bytes(at, (int)Math.Min(StateSnapshot.PieceBytes, end - at)).ToArray();
            var piece = new StatePiece
            {
                CompletedSteps = (ulong)completedSteps,
                TotalBytes = (ulong)total,
                Offset = (ulong)at,
                Sha256 = ByteString.CopyFrom(SHA256.HashData(data)),
                Data = ByteString.CopyFrom(data),
            };
            if (at > (long)request.FirstByte)
            {
                switch (fault)
                {
                    case Fault.WrongByte:
                        data[data.Length / 2] ^= 1;
                        piece.Data = ByteString.CopyFrom(data);
                        break;
                    case Fault.WrongHash:
                        piece.Sha256 = ByteString.Empty;
                        break;
                    case Fault.WrongOffset:
                        piece.Offset = request.FirstByte;
                        break;
                    case Fault.LongPiece:
                        piece.Data = ByteString.CopyFrom(new byte[end - at + 1]);
                        piece.Sha256 = ByteString.CopyFrom(SHA256.HashData(piece.Data.Span));
                        break;
                    case Fault.EmptyPiece:
                        piece.Data = ByteString.Empty;
                        piece.Sha256 = ByteString.CopyFrom(SHA256.HashData([]));
                        break;
                    case Fault.OtherState:
                        piece.CompletedSteps++;
                        break;
                    case Fault.EndsEarly:
                        return;
                    case Fault.FallsSilent:
                        await Task.Delay(Timeout.Infinite, context.CancellationToken);
                        break;
                }
            }
            await responseStream.WriteAsync(piece);
        }
    }

    public ValueTask DisposeAsync() => server.DisposeAsync();
}
