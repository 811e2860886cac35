using System.Collections.Concurrent;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Prometheus.Tests;

/// <summary>Kestrel on a free loopback port.</summary>
internal sealed class MetricsHost : IAsyncDisposable
{
    private readonly WebApplication application;

    private MetricsHost(WebApplication application)
    {
        this.application = application;
        Address = new Uri(application.Urls.Single());
        Client = new HttpClient { BaseAddress = Address, Timeout = TimeSpan.FromSeconds(30) };
    }

    public Uri Address { get; }
    public HttpClient Client { get; }

    /// <summary>The content types answered so far, by path.</summary>
    public ConcurrentDictionary<string, string?> ContentTypes { get; private init; } = [];

    public static async Task<MetricsHost> StartAsync(Action<WebApplication> configure)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        builder.Services.AddRouting();
        var application = builder.Build();

        var contentTypes = new ConcurrentDictionary<string, string?>();
        application.Use(async (context, next) =>
        {
            await next(context);
            contentTypes[context.Request.Path] = context.Response.ContentType;
        });
        configure(application);
        await application.StartAsync(TestContext.Current.CancellationToken);
        return new MetricsHost(application) { ContentTypes = contentTypes };
    }

    public async ValueTask DisposeAsync()
    {
        Client.Dispose();
        await application.DisposeAsync();
    }
}
