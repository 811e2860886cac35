using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using VaeCluster.Protocol.Transport;

namespace VaeCluster.Worker.Tests;

/// <summary>Kestrel with the product's transport, on a free loopback port or a socket's file. It can be cut like a killed process.</summary>
internal sealed class LoopbackServer : IAsyncDisposable
{
    private readonly HashSet<ConnectionContext> connections = [];
    private WebApplication app = null!;
    private TransportServer transport = null!;
    private bool isCut;

    public TransportAddress Address { get; private set; } = null!;

    public static async Task<LoopbackServer> StartAsync(Action<WebApplication> map, string listen = "http://127.0.0.1:0", Action<IServiceCollection>? services = null)
    {
        var server = new LoopbackServer();
        var wanted = TransportAddress.Parse(listen);
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        server.transport = new TransportServer(new TransportOptions());
        server.transport.AddTo(builder.Services);
        services?.Invoke(builder.Services);
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            kestrel.ConfigureEndpointDefaults(endpoint => endpoint.Use(next => connection => server.ServeAsync(connection, next)));
            server.transport.Listen(kestrel, wanted);
        });
        server.app = builder.Build();
        map(server.app);
        await server.app.StartAsync(TestContext.Current.CancellationToken);
        server.Address = wanted.SocketPath is null ? TransportAddress.Parse(server.app.Urls.Single()) : wanted;
        return server;
    }

    /// <summary>Every connection breaks, in the middle of whatever it carries; new ones break at once.</summary>
    public void Cut()
    {
        lock (connections)
        {
            isCut = true;
            foreach (var connection in connections) connection.Abort(new ConnectionAbortedException("Cut."));
        }
    }

    public ValueTask DisposeAsync()
    {
        Cut();
        return StopAsync();
    }

    /// <summary>In order: peers are told that the connection ends.</summary>
    public async ValueTask StopAsync()
    {
        using var stop = new CancellationTokenSource(Deadline.Default);
        await app.StopAsync(stop.Token);
        await app.DisposeAsync();
        transport.Dispose();
    }

    private async Task ServeAsync(ConnectionContext connection, ConnectionDelegate next)
    {
        lock (connections)
        {
            connections.Add(connection);
            if (isCut) connection.Abort(new ConnectionAbortedException("Cut."));
        }
        try
        {
            await next(connection);
        }
        finally
        {
            lock (connections) connections.Remove(connection);
        }
    }
}
