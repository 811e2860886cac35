using Grpc.Net.Client;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using VaeCluster.Protocol.Transport;

namespace VaeCluster.Protocol.Tests;

/// <summary>A server with the product's transport on a free loopback port or a socket file, and channels to it.</summary>
internal sealed class TestServer : IAsyncDisposable
{
    private readonly TransportServer transport;
    private readonly TransportChannels channels;

    private TestServer(WebApplication app, TransportServer transport, TransportChannels channels, TransportAddress address)
    {
        App = app;
        Address = address;
        this.transport = transport;
        this.channels = channels;
    }

    public WebApplication App { get; }

    public TransportAddress Address { get; }

    /// <summary>The address as grpcio writes it.</summary>
    public string ForeignAddress => Address.SocketPath is null ? Address.Web!.Authority : Address.ToString();

    public PinnedBlockPoolFactory Memory => (PinnedBlockPoolFactory)App.Services.GetRequiredService<IMemoryPoolFactory<byte>>();

    public GrpcChannel Connect() => channels.Connect(Address);

    public HttpClient Http() => new(channels.Handler(Address)) { BaseAddress = Address.Web };

    public static async Task<TestServer> StartAsync(
        Action<WebApplication> map,
        Action<IServiceCollection>? services = null,
        string listen = "http://127.0.0.1:0",
        TransportOptions? serverOptions = null,
        TransportOptions? channelOptions = null)
    {
        var options = serverOptions ?? new TransportOptions();
        var transport = new TransportServer(options);
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        transport.AddTo(builder.Services);
        services?.Invoke(builder.Services);
        var wanted = TransportAddress.Parse(listen);
        builder.WebHost.ConfigureKestrel(kestrel => transport.Listen(kestrel, wanted));
        var app = builder.Build();
        map(app);
        await app.StartAsync(TestContext.Current.CancellationToken);
        var address = wanted.SocketPath is null ? TransportAddress.Parse(app.Urls.Single()) : wanted;
        return new TestServer(app, transport, new TransportChannels(channelOptions ?? options), address);
    }

    public async ValueTask DisposeAsync()
    {
        using var stop = new CancellationTokenSource(Deadline.Default);
        await App.StopAsync(stop.Token);
        await App.DisposeAsync();
        transport.Dispose();
        channels.Dispose();
    }
}
