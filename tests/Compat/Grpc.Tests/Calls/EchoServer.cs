using Grpc.AspNetCore.Server;
using Grpc.Core;
using Grpc.Net.Client;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Grpc.Tests.Calls;

/// <summary>The official server with a service of each kind of method.</summary>
internal sealed class EchoServer : Echo.EchoBase, IAsyncDisposable
{
    public static readonly TimeSpan Deadline = TimeSpan.FromSeconds(30);

    private WebApplication app = null!;

    public string Address { get; private set; } = "";

    public static async Task<EchoServer> StartAsync(Action<GrpcServiceOptions>? configure = null)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(kestrel =>
            kestrel.Listen(System.Net.IPAddress.Loopback, 0, listen => listen.Protocols = HttpProtocols.Http2));
        builder.Services.AddGrpc(options => configure?.Invoke(options));
        var server = new EchoServer();
        builder.Services.AddSingleton(server);
        server.app = builder.Build();
        server.app.MapGrpcService<EchoServer>();
        await server.app.StartAsync(TestContext.Current.CancellationToken);
        server.Address = server.app.Urls.Single();
        return server;
    }

    public GrpcChannel Connect(GrpcChannelOptions? options = null) => GrpcChannel.ForAddress(Address, options ?? new GrpcChannelOptions());

    public static CallOptions Options(Metadata? headers = null) =>
        new(headers, DateTime.UtcNow + Deadline, TestContext.Current.CancellationToken);

    public override async Task<Item> Unary(Item request, ServerCallContext context)
    {
        foreach (var entry in context.RequestHeaders.Where(entry => entry.Key.StartsWith("x-", StringComparison.Ordinal)))
        {
            context.ResponseTrailers.Add(entry);
        }
        await context.WriteResponseHeadersAsync(new Metadata { { "x-method", context.Method } });
        if (request.Text == "fail") throw new RpcException(new Status(StatusCode.DataLoss, "as asked"), new Metadata { { "x-why", "test" } });
        return request;
    }

    public override async Task<Item> Upload(IAsyncStreamReader<Item> requestStream, ServerCallContext context)
    {
        var texts = new List<string>();
        await foreach (var item in requestStream.ReadAllAsync(context.CancellationToken)) texts.Add(item.Text);
        return new Item { Text = string.Join(' ', texts) };
    }

    public override async Task Download(Item request, IServerStreamWriter<Item> responseStream, ServerCallContext context)
    {
        foreach (var word in request.Text.Split(' ')) await responseStream.WriteAsync(new Item { Text = word }, context.CancellationToken);
    }

    public override async Task Chat(IAsyncStreamReader<Item> requestStream, IServerStreamWriter<Item> responseStream, ServerCallContext context)
    {
        while (await requestStream.MoveNext()) await responseStream.WriteAsync(requestStream.Current);
    }

    public async ValueTask DisposeAsync()
    {
        using var stop = new CancellationTokenSource(Deadline);
        await app.StopAsync(stop.Token);
        await app.DisposeAsync();
    }
}
