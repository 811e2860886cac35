using System.CommandLine;
using System.ComponentModel.DataAnnotations;
using System.Net.Sockets;
using System.Security.Authentication;
using Grpc.Core;
using Grpc.Net.Client;
using VaeCluster.Protocol.Access;
using VaeCluster.Protocol.Transport;
using VaeCluster.Protocol.V1;

namespace VaeCluster.Status;

/// <summary>A coordinator to ask, with what a person has to give for it. Failures are sentences that say what to change.</summary>
internal sealed class CoordinatorAccess : IDisposable
{
    public static readonly Argument<string> Url = new("url")
    {
        Description = "The coordinator: http://host:port, https://host:port or unix:/path/of/socket.",
    };

    public static readonly Option<string?> TokenFile = new("--token-file")
    {
        Description = $"Holds the run's token; {SharedToken.Variable} of the environment where it is not given.",
        HelpName = "file",
    };

    public static readonly Option<string?> Authorities = new("--tls-authorities")
    {
        Description = "Certificates (PEM) that the coordinator's has to come from; the system's where it is not given.",
        HelpName = "file",
    };

    public static readonly Option<string?> Certificate = new("--tls-certificate")
    {
        Description = "Our certificate (PEM), where the coordinator asks for one.",
        HelpName = "file",
    };

    public static readonly Option<string?> Key = new("--tls-key")
    {
        Description = "The key of our certificate (PEM).",
        HelpName = "file",
    };

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    private readonly string url;
    private readonly bool hasToken;
    private readonly TransportChannels channels;
    private readonly GrpcChannel channel;
    private readonly Membership.MembershipClient client;

    private CoordinatorAccess(string url, SharedToken? token, TransportOptions options)
    {
        (this.url, hasToken) = (url, token is not null);
        var address = TransportAddress.Parse(url);
        channels = new TransportChannels(options);
        channel = channels.Connect(address);
        var invoker = channel.CreateCallInvoker();
        client = new Membership.MembershipClient(token?.Attach(invoker) ?? invoker);
    }

    /// <summary>One of our own, without token and TLS.</summary>
    public static CoordinatorAccess To(string url) => new(url, null, new TransportOptions());

    /// <exception cref="UserErrorException">The address is none, or a file can't be used.</exception>
    public static CoordinatorAccess From(ParseResult parsed)
    {
        var tls = new TlsOptions { Authorities = parsed.GetValue(Authorities), Certificate = parsed.GetValue(Certificate), Key = parsed.GetValue(Key) };
        var given = tls.Authorities ?? tls.Certificate ?? tls.Key;
        var options = new TransportOptions { Tls = given is null ? null : tls };
        var mistakes = options.Validate(new ValidationContext(options)).Select(mistake => mistake.ErrorMessage!).ToList();
        if (mistakes.Count > 0) throw new UserErrorException(mistakes);
        var url = parsed.GetRequiredValue(Url);
        if (given is not null && !TransportAddress.Parse(url).IsSecure)
            throw new UserErrorException($"{url}: certificates are for https:// addresses, and this is none.");
        return new CoordinatorAccess(url, SharedToken.Load(parsed.GetValue(TokenFile)), options);
    }

    /// <exception cref="UserErrorException">It did not answer; the message says why.</exception>
    /// <exception cref="OperationCanceledException">The caller gave up.</exception>
    public async Task<RunStatus> GetStatusAsync(CancellationToken cancellation)
    {
        try
        {
            return await client.GetStatusAsync(new GetStatusRequest(), deadline: DateTime.UtcNow + Patience, cancellationToken: cancellation)
                .ResponseAsync.ConfigureAwait(false);
        }
        catch (RpcException exception)
        {
            cancellation.ThrowIfCancellationRequested();
            throw new UserErrorException($"{url}: {Explain(exception)}", exception);
        }
    }

    public void Dispose()
    {
        channel.Dispose();
        channels.Dispose();
    }

    private string Explain(RpcException exception)
    {
        var (code, detail) = (exception.StatusCode, exception.Status.Detail);
        var causes = Causes(exception.Status.DebugException).ToList();
        var tls = causes.OfType<AuthenticationException>().LastOrDefault();
        if (code == StatusCode.Unauthenticated)
        {
            return hasToken
                ? "the coordinator has another token. Give the one of this run with --token-file."
                : $"the coordinator asks for a token. Give it with --token-file or {SharedToken.Variable}.";
        }
        if (tls is not null) return $"TLS failed: {tls.Message.TrimEnd('.')}. Is it an https:// address, and --tls-authorities the authority of its certificate?";
        if (causes.OfType<SocketException>().LastOrDefault() is { } socket && socket.SocketErrorCode != SocketError.ConnectionReset)
            return $"nobody answers there: {socket.Message.TrimEnd('.')}. Is the coordinator running, and is this its address?";
        return code switch
        {
            StatusCode.Unimplemented => "somebody answers there, but it is no coordinator. Give the coordinator's own address.",
            StatusCode.DeadlineExceeded => $"no answer within {Patience.TotalSeconds:0} s. Is the coordinator running, and is this its address?",
            StatusCode.Unavailable or StatusCode.Internal when causes.Count > 0 =>
                $"the connection broke: {causes[^1].Message.TrimEnd('.')}. Does the coordinator listen on {Other}, or ask for a certificate (--tls-certificate)?",
            _ => $"the coordinator refused: {code}: {detail}",
        };
    }

    private string Other => url.StartsWith("https", StringComparison.Ordinal) ? "http://" : "https://";

    private static IEnumerable<Exception> Causes(Exception? exception)
    {
        for (; exception is not null; exception = exception.InnerException) yield return exception;
    }
}
