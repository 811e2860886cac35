using Grpc.Core;
using Grpc.Net.Client;
using VaeCluster.Protocol.Transport;

namespace VaeCluster.Worker.Links;

/// <summary>How a worker reaches others: the transport's settings and the run's token, for data path and state alike.</summary>
/// <param name="channels">The transport's settings.</param>
/// <param name="authorize">Adds the shared token to each call; null where the run has none.</param>
public sealed class PeerDialer(TransportChannels channels, Func<CallInvoker, CallInvoker>? authorize = null)
{
    /// <summary>A connection of its own. It opens with the first call.</summary>
    public PeerChannel Dial(TransportAddress address)
    {
        var channel = channels.Connect(address);
        var invoker = channel.CreateCallInvoker();
        return new PeerChannel(channel, authorize is null ? invoker : authorize(invoker), address);
    }
}

/// <summary>A connection to one address.</summary>
public sealed class PeerChannel : IDisposable
{
    private readonly GrpcChannel channel;

    internal PeerChannel(GrpcChannel channel, CallInvoker invoker, TransportAddress address) =>
        (this.channel, Invoker, Address) = (channel, invoker, address);

    public CallInvoker Invoker { get; }

    public TransportAddress Address { get; }

    /// <summary>Ends all calls on it.</summary>
    public void Dispose() => channel.Dispose();
}
