using System.Buffers;
using System.Runtime.CompilerServices;
using Google.Protobuf;
using Grpc.Core;
using Wire = VaeCluster.Protocol.V1;

namespace VaeCluster.Coordinator.Runs;

/// <summary>
/// The service of coordinator.proto, in place of the generated base for one reason: a plan goes to a thousand workers and is
/// made into bytes once. A message that holds one is never changed.
/// </summary>
[BindServiceMethod(typeof(MembershipCalls), nameof(Bind))]
internal abstract class MembershipCalls
{
    private static readonly ConditionalWeakTable<Wire.CoordinatorMessage, byte[]> Plans = [];

    private static readonly Method<Wire.WorkerMessage, Wire.CoordinatorMessage> JoinMethod = new(MethodType.DuplexStreaming,
        Wire.Membership.Descriptor.FullName, nameof(Join), Plain(Wire.WorkerMessage.Parser),
        new Marshaller<Wire.CoordinatorMessage>(Write, context => Wire.CoordinatorMessage.Parser.ParseFrom(context.PayloadAsReadOnlySequence())));

    private static readonly Method<Wire.GetStatusRequest, Wire.RunStatus> GetStatusMethod = new(MethodType.Unary,
        Wire.Membership.Descriptor.FullName, nameof(GetStatus), Plain(Wire.GetStatusRequest.Parser), Plain(Wire.RunStatus.Parser));

    public abstract Task Join(IAsyncStreamReader<Wire.WorkerMessage> requestStream, IServerStreamWriter<Wire.CoordinatorMessage> responseStream,
        ServerCallContext context);

    public abstract Task<Wire.RunStatus> GetStatus(Wire.GetStatusRequest request, ServerCallContext context);

    /// <summary>Called by the server, without a service.</summary>
    public static void Bind(ServiceBinderBase binder, MembershipCalls? service)
    {
        ArgumentNullException.ThrowIfNull(binder);
        binder.AddMethod(JoinMethod, service is null ? null! : new DuplexStreamingServerMethod<Wire.WorkerMessage, Wire.CoordinatorMessage>(service.Join));
        binder.AddMethod(GetStatusMethod, service is null ? null! : new UnaryServerMethod<Wire.GetStatusRequest, Wire.RunStatus>(service.GetStatus));
    }

    private static void Write(Wire.CoordinatorMessage message, SerializationContext context)
    {
        if (message.Plan is null)
        {
            Write((IMessage)message, context);
            return;
        }
        var bytes = Plans.GetValue(message, made => made.ToByteArray());
        context.SetPayloadLength(bytes.Length);
        context.GetBufferWriter().Write(bytes);
        context.Complete();
    }

    private static void Write(IMessage message, SerializationContext context)
    {
        context.SetPayloadLength(message.CalculateSize());
        message.WriteTo(context.GetBufferWriter());
        context.Complete();
    }

    private static Marshaller<T> Plain<T>(MessageParser<T> parser) where T : IMessage<T> =>
        new((message, context) => Write(message, context), context => parser.ParseFrom(context.PayloadAsReadOnlySequence()));
}
