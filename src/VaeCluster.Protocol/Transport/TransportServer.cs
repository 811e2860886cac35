using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Https;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Hosting;

namespace VaeCluster.Protocol.Transport;

/// <summary>
/// A server's side of the transport: <see cref="AddTo"/> for the host's services, then <see cref="Listen"/> for each gRPC
/// port. Handlers may run on the socket's own thread and so must not block.
/// </summary>
public sealed class TransportServer(TransportOptions options) : IDisposable
{
    /// <summary>A server that stops waits so long for its calls to end; then they are cut. Else one reader that does not read would hold it for 30 s.</summary>
    private static readonly TimeSpan CallsEndWithin = TimeSpan.FromSeconds(3);

    private readonly TlsFiles? tls = options.Tls is null ? null : new TlsFiles(options.Tls);

    /// <summary>Adds gRPC with the message limits, the memory pool and the sockets' settings.</summary>
    public void AddTo(IServiceCollection services)
    {
        services.AddGrpc(grpc =>
        {
            grpc.MaxReceiveMessageSize = options.MaxMessageBytes;
            // What we say ourselves may be as long as it is: whoever receives it has a limit of its own.
            grpc.MaxSendMessageSize = null;
        });
        services.Replace(ServiceDescriptor.Singleton<IMemoryPoolFactory<byte>, PinnedBlockPoolFactory>());
        services.Configure<SocketTransportOptions>(sockets => sockets.UnsafePreferInlineScheduling = true);
        services.Configure<KestrelServerOptions>(Configure);
        services.Configure<HostOptions>(host => host.ShutdownTimeout = CallsEndWithin);
    }

    /// <summary>The server's limits. They hold for all its ports, so metrics and status pages share the lifted body limits.</summary>
    public void Configure(KestrelServerOptions kestrel)
    {
        ArgumentNullException.ThrowIfNull(kestrel);
        kestrel.AddServerHeader = false;
        var limits = kestrel.Limits;
        // A stream of segments has no length and no least rate: it waits for as long as a step takes.
        limits.MaxRequestBodySize = null;
        limits.MinRequestBodyDataRate = null;
        limits.MinResponseDataRate = null;
        limits.Http2.InitialStreamWindowSize = options.StreamWindowBytes;
        limits.Http2.InitialConnectionWindowSize = options.ConnectionWindowBytes;
        limits.Http2.MaxStreamsPerConnection = options.MaxStreamsPerConnection;
        limits.Http2.KeepAlivePingDelay = options.PingAfter;
        limits.Http2.KeepAlivePingTimeout = options.PingTimeout;
    }

    /// <summary>Opens a gRPC port, which speaks HTTP/2 only. Port 0 takes a free one.</summary>
    public void Listen(KestrelServerOptions kestrel, TransportAddress address)
    {
        ArgumentNullException.ThrowIfNull(kestrel);
        ArgumentNullException.ThrowIfNull(address);
        if (address.SocketPath is { } path)
        {
            RemoveLeftOver(path);
            kestrel.ListenUnixSocket(path, listen => listen.Protocols = HttpProtocols.Http2);
            return;
        }

        var web = address.Web!;
        if (IPAddress.TryParse(web.IdnHost, out var ip)) kestrel.Listen(ip, web.Port, Setup);
        // Kestrel has no port 0 for "localhost", because its two addresses could get different ones.
        else if (web.IsLoopback) kestrel.Listen(IPAddress.Loopback, web.Port, Setup);
        else kestrel.ListenAnyIP(web.Port, Setup);

        void Setup(ListenOptions listen)
        {
            listen.Protocols = HttpProtocols.Http2;
            if (address.IsSecure) listen.UseHttps(Secure);
        }
    }

    public void Dispose() => tls?.Dispose();

    private void Secure(HttpsConnectionAdapterOptions https)
    {
        if (tls?.Context is null)
        {
            throw new UserErrorException("An https address needs tls.certificate and tls.key. Set them, or listen on http://.");
        }
        https.ServerCertificate = tls.Certificate;
        https.ClientCertificateMode = options.Tls!.RequireClientCertificate
            ? ClientCertificateMode.RequireCertificate
            : ClientCertificateMode.NoCertificate;
        https.OnAuthenticate = (_, handshake) =>
        {
            handshake.ServerCertificateContext = tls.Context;
            handshake.CertificateChainPolicy = tls.PeerPolicy();
        };
    }

    /// <summary>A killed server leaves its socket's file behind; one that answers belongs to somebody who lives.</summary>
    private static void RemoveLeftOver(string path)
    {
        if (!File.Exists(path)) return;
        using var probe = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            probe.Connect(new UnixDomainSocketEndPoint(path));
        }
        catch (SocketException exception) when (exception.SocketErrorCode == SocketError.ConnectionRefused)
        {
            File.Delete(path);
        }
        catch (SocketException)
        {
            // Whatever it is, it is not ours to delete; binding will say what is wrong.
        }
    }
}
