using Google.Protobuf;
using Grpc.Core;
using VaeCluster.Protocol.V1;

namespace VaeCluster.Protocol.Segments;

/// <summary>
/// The method Exchange of vaecluster.v1.Collective, bound by hand: generated code would copy each payload into an array
/// of its own. On the wire it is what collective.proto says.
/// </summary>
public static class SegmentExchange
{
    private const string Service = "vaecluster.v1.Collective";
    private const string Name = "Exchange";

    private static readonly Marshaller<Receipt> ReceiptMarshaller = new(WriteReceipt, ReadReceipt);

    private static readonly Method<SegmentMessage, Receipt> Sending = Bind(new Marshaller<SegmentMessage>(
        SegmentWriter.Write, _ => throw new NotSupportedException("The sending side reads no segments.")));

    /// <summary>Opens the stream to a peer. One write at a time; a segment's buffer is free again when its write completes.</summary>
    public static AsyncDuplexStreamingCall<SegmentMessage, Receipt> Open(CallInvoker invoker, CallOptions options = default)
    {
        ArgumentNullException.ThrowIfNull(invoker);
        return invoker.AsyncDuplexStreamingCall(Sending, null, options);
    }

    /// <summary>
    /// The receiving side, for MapGrpcService. The sink is asked where each payload goes; the handler gets the segments
    /// when their payloads are there.
    /// </summary>
    public static ServerServiceDefinition Serve(ISegmentSink sink, DuplexStreamingServerMethod<SegmentMessage, Receipt> handler)
    {
        ArgumentNullException.ThrowIfNull(sink);
        ArgumentNullException.ThrowIfNull(handler);
        var reader = new SegmentReader(sink);
        var marshaller = new Marshaller<SegmentMessage>(
            (_, _) => throw new NotSupportedException("The receiving side writes no segments."),
            context => Read(reader, context));
        return ServerServiceDefinition.CreateBuilder().AddMethod(Bind(marshaller), handler).Build();
    }

    private static Method<SegmentMessage, Receipt> Bind(Marshaller<SegmentMessage> marshaller) =>
        new(MethodType.DuplexStreaming, Service, Name, marshaller, ReceiptMarshaller);

    /// <summary>What goes wrong here ends the call, so this is where it becomes a status.</summary>
    private static SegmentMessage Read(SegmentReader reader, DeserializationContext context)
    {
        try
        {
            return reader.Read(context.PayloadAsReadOnlySequence());
        }
        catch (InvalidDataException exception)
        {
            throw new RpcException(new Status(StatusCode.InvalidArgument, exception.Message));
        }
        catch (SegmentRefusedException exception)
        {
            throw new RpcException(new Status(StatusCode.FailedPrecondition, exception.Message));
        }
    }

    private static void WriteReceipt(Receipt receipt, SerializationContext context)
    {
        context.SetPayloadLength(receipt.CalculateSize());
        receipt.WriteTo(context.GetBufferWriter());
        context.Complete();
    }

    private static Receipt ReadReceipt(DeserializationContext context) => Receipt.Parser.ParseFrom(context.PayloadAsReadOnlySequence());
}
