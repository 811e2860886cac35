using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;
using Grpc.Net.Client;
using Microsoft.Extensions.Logging;

namespace VaeCluster.Protocol.Transport;

/// <summary>A client's side of the transport: channels to addresses, all with the same settings.</summary>
public sealed class TransportChannels(TransportOptions options, ILoggerFactory? logs = null) : IDisposable
{
    private readonly TlsFiles? tls = options.Tls is null ? null : new TlsFiles(options.Tls);

    /// <summary>A channel with connections of its own, which open with the first call and again after a failure.</summary>
    public GrpcChannel Connect(TransportAddress address)
    {
        ArgumentNullException.ThrowIfNull(address);
        // The host in a Unix socket's address is never resolved; it is what the server sees as :authority.
        return GrpcChannel.ForAddress(address.Web ?? new Uri("http://localhost"), new GrpcChannelOptions
        {
            HttpHandler = Handler(address),
            DisposeHttpClient = true,
            MaxReceiveMessageSize = options.MaxMessageBytes,
            MaxSendMessageSize = options.MaxMessageBytes,
            // Retries keep copies of what was sent; whoever can repeat a call does it above.
            MaxRetryAttempts = null,
            MaxRetryBufferSize = null,
            MaxRetryBufferPerCallSize = null,
            LoggerFactory = logs,
        });
    }

    /// <summary>The handler under a channel, for plain HTTP/2 with the same settings.</summary>
    public SocketsHttpHandler Handler(TransportAddress address)
    {
        ArgumentNullException.ThrowIfNull(address);
        var handler = new SocketsHttpHandler
        {
            UseProxy = false,
            UseCookies = false,
            AllowAutoRedirect = false,
            EnableMultipleHttp2Connections = true,
            InitialHttp2StreamWindowSize = options.StreamWindowBytes,
            KeepAlivePingDelay = options.PingAfter,
            KeepAlivePingTimeout = options.PingTimeout,
            // A stream that idles between steps has to notice a dead peer too; one without calls need not.
            KeepAlivePingPolicy = HttpKeepAlivePingPolicy.WithActiveRequests,
            ConnectTimeout = options.ConnectTimeout,
            PooledConnectionIdleTimeout = Timeout.InfiniteTimeSpan,
        };
        if (address.SocketPath is { } path) handler.ConnectCallback = (_, token) => ConnectUnixAsync(path, token);
        if (address.IsSecure) handler.SslOptions = Secure();
        return handler;
    }

    public void Dispose() => tls?.Dispose();

    private SslClientAuthenticationOptions Secure() => new()
    {
        ClientCertificateContext = tls?.Context,
        CertificateChainPolicy = tls?.PeerPolicy(),
        CertificateRevocationCheckMode = X509RevocationMode.NoCheck,
    };

    private static async ValueTask<Stream> ConnectUnixAsync(string path, CancellationToken cancellationToken)
    {
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            await socket.ConnectAsync(new UnixDomainSocketEndPoint(path), cancellationToken).ConfigureAwait(false);
            return new NetworkStream(socket, ownsSocket: true);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }
}
