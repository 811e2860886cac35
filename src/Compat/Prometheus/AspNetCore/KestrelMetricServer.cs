using System.Net;
using System.Security.Cryptography.X509Certificates;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Server.Kestrel.Core;

namespace Prometheus;

public sealed class KestrelMetricServerOptions
{
    /// <summary>Name or address to listen on; +, * and 0.0.0.0: all of the machine's.</summary>
    public string Hostname { get; set; } = "+";
    public ushort Port { get; set; }
    public string Url { get; set; } = "/metrics";

    /// <summary>What to export; null: the default registry.</summary>
    public CollectorRegistry? Registry { get; set; }

    /// <summary>With a certificate the server speaks HTTPS.</summary>
    public X509Certificate2? TlsCertificate { get; set; }
}

/// <summary>Serves metrics on a port of its own, for programs that have no web server.</summary>
public sealed class KestrelMetricServer : MetricHandler
{
    private readonly KestrelMetricServerOptions options;

    public KestrelMetricServer(KestrelMetricServerOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        this.options = options;
    }

    public KestrelMetricServer(int port, string url = "/metrics", CollectorRegistry? registry = null, X509Certificate2? certificate = null)
        : this("+", port, url, registry, certificate)
    {
    }

    public KestrelMetricServer(string hostname, int port, string url = "/metrics", CollectorRegistry? registry = null,
        X509Certificate2? certificate = null)
        : this(new KestrelMetricServerOptions
        {
            Hostname = hostname,
            Port = checked((ushort)port),
            Url = url,
            Registry = registry,
            TlsCertificate = certificate,
        })
    {
    }

    protected override Task StartServer(CancellationToken cancel)
    {
        // An empty builder: no configuration, no logging, no handling of signals, which are the program's.
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel => Listen(kestrel));
        if (options.TlsCertificate is not null) builder.WebHost.UseKestrelHttpsConfiguration();

        var server = builder.Build();
        server.UseMetricServer(settings => settings.Registry = options.Registry, options.Url);
        server.StartAsync(cancel).GetAwaiter().GetResult(); // a port that is taken fails the start
        return StopWhenCancelledAsync(server, cancel);
    }

    private static async Task StopWhenCancelledAsync(WebApplication server, CancellationToken cancel)
    {
        await using (server.ConfigureAwait(false))
        {
            await Task.Delay(Timeout.Infinite, cancel).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            await server.StopAsync(CancellationToken.None).ConfigureAwait(false);
        }
    }

    private void Listen(KestrelServerOptions kestrel)
    {
        void Configure(ListenOptions listen)
        {
            if (options.TlsCertificate is { } certificate) listen.UseHttps(certificate);
        }

        if (options.Hostname is "+" or "*" or "0.0.0.0") kestrel.ListenAnyIP(options.Port, Configure);
        else if (options.Hostname == "localhost") kestrel.ListenLocalhost(options.Port, Configure);
        else if (IPAddress.TryParse(options.Hostname, out var address)) kestrel.Listen(address, options.Port, Configure);
        else kestrel.Listen(Dns.GetHostAddresses(options.Hostname)[0], options.Port, Configure);
    }
}
