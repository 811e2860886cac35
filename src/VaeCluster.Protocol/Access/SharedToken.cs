using System.Security.Cryptography;
using System.Text;
using Grpc.Core;
using Grpc.Core.Interceptors;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;

namespace VaeCluster.Protocol.Access;

/// <summary>
/// The secret that the processes of a run share, sent with every call as <c>authorization: Bearer ...</c>. What stands
/// here is its digest too, so that a comparison takes the same time wherever two tokens differ.
/// </summary>
public sealed class SharedToken
{
    /// <summary>Holds the token where no file is named.</summary>
    public const string Variable = "VAECLUSTER_TOKEN";

    private const string Header = "authorization";
    private const string Scheme = "Bearer ";
    private const int LeastLength = 16;
    private const int MostLength = 512;

    private readonly string text;
    private readonly byte[] digest;

    private SharedToken(string text) => (this.text, digest) = (text, Digest(Scheme + text));

    /// <param name="text">16 to 512 printable ASCII characters without spaces.</param>
    /// <param name="origin">Where it was written, for the message.</param>
    /// <exception cref="UserErrorException">It is too short to be a secret, or can't stand in a header.</exception>
    public static SharedToken Parse(string text, string origin = "token")
    {
        ArgumentNullException.ThrowIfNull(text);
        if (text.Length is < LeastLength or > MostLength || text.Any(letter => letter is <= ' ' or > '~'))
        {
            throw new UserErrorException($"{origin}: a token has {LeastLength} to {MostLength} printable ASCII characters without spaces. "
                + "Make one with: openssl rand -hex 32");
        }
        return new SharedToken(text);
    }

    /// <summary>From a file, or else from the environment; null where neither has one.</summary>
    /// <exception cref="UserErrorException">The file can't be read, or what it holds is no token.</exception>
    public static SharedToken? Load(string? file)
    {
        if (file is null)
        {
            var value = Environment.GetEnvironmentVariable(Variable);
            return string.IsNullOrWhiteSpace(value) ? null : Parse(value.Trim(), Variable);
        }
        try
        {
            return Parse(File.ReadAllText(file).Trim(), file);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new UserErrorException($"{file}: the token can't be read: {exception.Message}", exception);
        }
    }

    /// <summary>Whether a request's authorization header holds this token.</summary>
    public bool Matches(string? authorization) => CryptographicOperations.FixedTimeEquals(digest, Digest(authorization ?? ""));

    /// <summary>Sends the token with every call.</summary>
    public CallInvoker Attach(CallInvoker invoker) => invoker.Intercept(metadata =>
    {
        metadata.Add(Header, Scheme + text);
        return metadata;
    });

    /// <summary>Never the token.</summary>
    public override string ToString() => "(a token)";

    internal bool Matches(HttpRequest request) => Matches(request.Headers.Authorization.ToString());

    private static byte[] Digest(string authorization) => SHA256.HashData(Encoding.UTF8.GetBytes(authorization));
}

public static class SharedTokenMiddleware
{
    private const string HealthPath = "/grpc.health.v1.Health";

    /// <summary>
    /// Refuses every request without the token, before anything else has looked at it: the answer is one and the same
    /// whatever was asked for. To be put first. Null takes everyone. The health service alone is open: probes have no token.
    /// </summary>
    /// <param name="app">The host.</param>
    /// <param name="token">The run's token.</param>
    /// <param name="refused">Called for each refused request, to count it.</param>
    public static IApplicationBuilder UseSharedToken(this IApplicationBuilder app, SharedToken? token, Action? refused = null)
    {
        if (token is null) return app;
        return app.Use((context, next) =>
        {
            if (token.Matches(context.Request) || context.Request.Path.StartsWithSegments(HealthPath, StringComparison.Ordinal)) return next(context);
            refused?.Invoke();
            // What gRPC calls a trailers-only response.
            context.Response.ContentType = "application/grpc";
            context.Response.Headers["grpc-status"] = ((int)StatusCode.Unauthenticated).ToString();
            return Task.CompletedTask;
        });
    }
}
