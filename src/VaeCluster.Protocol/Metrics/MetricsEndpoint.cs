using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Prometheus;
using VaeCluster.Protocol.Health;
using VaeCluster.Protocol.Transport;

namespace VaeCluster.Protocol.Metrics;

/// <summary>
/// A port for Prometheus and for probes, beside a host's gRPC port: GET /metrics, GET /healthz (200 while the process
/// serves, 503 where <see cref="ServiceHealth"/> says that it does not) and GET /readyz (200 once it is ready as well). Plain HTTP without a token: it tells figures, and
/// takes nothing. Listen beyond loopback only where these may be seen.
/// </summary>
public sealed class MetricsEndpoint : IAsyncDisposable
{
    /// <summary>Loopback, the port that the host's manual names.</summary>
    public const string DefaultListen = "http://127.0.0.1:9464";

    private const int MostConnections = 64;
    private static readonly TimeSpan RequestTime = TimeSpan.FromSeconds(10);

    private readonly WebApplication app;

    private MetricsEndpoint(WebApplication app, string address) => (this.app, Address) = (app, address);

    /// <summary>Where it listens, with the port that it has got.</summary>
    public string Address { get; }

    /// <param name="listen">http://host:port; port 0 takes a free one.</param>
    /// <param name="registry">What to tell; the default registry where it is not given.</param>
    /// <param name="health">What /healthz answers by; always healthy where it is not given.</param>
    /// <param name="more">Adds what else is told there.</param>
    /// <exception cref="UserErrorException">The address is none, or can't be listened on.</exception>
    public static async Task<MetricsEndpoint> StartAsync(string listen = DefaultListen, CollectorRegistry? registry = null,
        ServiceHealth? health = null, Action<IEndpointRouteBuilder>? more = null, CancellationToken cancellationToken = default)
    {
        var address = TransportAddress.Parse(listen);
        if (address is not { Web: { } web, IsSecure: false }) throw new UserErrorException($"metrics: {listen} is no http:// address. Write http://host:port.");
        // An empty builder: no configuration, no logging, no handling of signals, which are the program's.
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.Services.AddRoutingCore();
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            kestrel.Limits.MaxConcurrentConnections = MostConnections;
            kestrel.Limits.MaxRequestBodySize = 0;
            kestrel.Limits.RequestHeadersTimeout = RequestTime;
            kestrel.Limits.KeepAliveTimeout = TimeSpan.FromMinutes(2);
            Listen(kestrel, web);
        });
        var app = builder.Build();
        app.UseRouting();
        app.MapMetrics("/metrics", registry);
        app.MapGet("/healthz", context => AnswerAsync(context, health?.IsServing() ?? true, "not serving"));
        app.MapGet("/readyz", context => AnswerAsync(context, health?.IsReady ?? true, "not ready"));
        more?.Invoke(app);
        try
        {
            await app.StartAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (Exception exception)
        {
            await app.DisposeAsync().ConfigureAwait(false);
            if (exception is IOException) throw new UserErrorException($"metrics: {listen} can't be listened on: {exception.Message}", exception);
            throw;
        }
        return new MetricsEndpoint(app, app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First());
    }

    public async ValueTask DisposeAsync()
    {
        await app.StopAsync().ConfigureAwait(false);
        await app.DisposeAsync().ConfigureAwait(false);
    }

    private static Task AnswerAsync(HttpContext context, bool isWell, string otherwise)
    {
        context.Response.StatusCode = isWell ? StatusCodes.Status200OK : StatusCodes.Status503ServiceUnavailable;
        context.Response.ContentType = "text/plain";
        return context.Response.WriteAsync(isWell ? "ok\n" : otherwise + "\n", context.RequestAborted);
    }

    private static void Listen(KestrelServerOptions kestrel, Uri web)
    {
        if (IPAddress.TryParse(web.IdnHost, out var ip)) kestrel.Listen(ip, web.Port);
        else if (web.IsLoopback) kestrel.Listen(IPAddress.Loopback, web.Port);
        else kestrel.ListenAnyIP(web.Port);
    }
}
