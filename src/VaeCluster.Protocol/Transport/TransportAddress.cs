using System.Diagnostics.CodeAnalysis;
using System.Net;

namespace VaeCluster.Protocol.Transport;

/// <summary>
/// Where a server listens and a channel connects: <c>http://host:port</c>, <c>https://host:port</c> or
/// <c>unix:/path/of/socket</c> (plain text always: the file's permissions guard it).
/// </summary>
public sealed record TransportAddress
{
    private TransportAddress(Uri? web, string? socketPath) => (Web, SocketPath) = (web, socketPath);

    /// <summary>Null for a Unix domain socket.</summary>
    public Uri? Web { get; }

    /// <summary>Null for TCP.</summary>
    public string? SocketPath { get; }

    /// <summary>Reached from this machine alone.</summary>
    public bool IsLocal => Web is null || Web.IsLoopback || (IPAddress.TryParse(Web.IdnHost, out var ip) && IPAddress.IsLoopback(ip));

    public bool IsSecure => Web?.Scheme == Uri.UriSchemeHttps;

    /// <exception cref="UserErrorException">The text is no address.</exception>
    public static TransportAddress Parse(string text) => TryParse(text, out var address)
        ? address
        : throw new UserErrorException($"\"{text}\" is no address. Write http://host:port, https://host:port or unix:/path/of/socket.");

    public static bool TryParse(string text, [NotNullWhen(true)] out TransportAddress? address)
    {
        ArgumentNullException.ThrowIfNull(text);
        address = null;
        if (text.StartsWith("unix:", StringComparison.Ordinal))
        {
            var path = text["unix:".Length..];
            if (path.StartsWith("//", StringComparison.Ordinal)) path = path[2..];
            if (Path.IsPathRooted(path)) address = new TransportAddress(null, path);
        }
        else if (Uri.TryCreate(text, UriKind.Absolute, out var uri)
            && (uri.Scheme == Uri.UriSchemeHttp || uri.Scheme == Uri.UriSchemeHttps)
            && uri is { PathAndQuery: "/", UserInfo: "" })
        {
            address = new TransportAddress(uri, null);
        }
        return address is not null;
    }

    public override string ToString() => SocketPath is null ? Web!.GetLeftPart(UriPartial.Authority) : "unix:" + SocketPath;
}
