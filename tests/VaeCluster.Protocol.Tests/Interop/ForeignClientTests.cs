using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using VaeCluster.Protocol.Transport;

namespace VaeCluster.Protocol.Tests.Interop;

/// <summary>grpcio's client against our server; what each case asks stands in interop_client.py.</summary>
public sealed class ForeignClientTests(Python python)
{
    [Theory]
    [InlineData("unary")]
    [InlineData("upload")]
    [InlineData("download")]
    [InlineData("chat")]
    [InlineData("error")]
    [InlineData("deadline")]
    [InlineData("cancel")]
    public async Task ForeignClient_Case_IsServed(string name)
    {
        await using var server = await StartAsync();
        await RunAsync(name, server);
    }

    [Fact]
    public async Task ForeignClient_AThousandCallsAtOnce_AreServed()
    {
        // grpcio keeps to one connection and queues what is beyond its limit of streams.
        await using var server = await StartAsync(options: new TransportOptions { MaxStreamsPerConnection = 1000 });
        await RunAsync("crowd", server);
    }

    [Fact]
    public async Task ForeignClient_OverUnixSocket_IsServed()
    {
        using var folder = new TemporaryFolder();
        await using var server = await StartAsync("unix:" + folder.File("interop.sock"));
        await RunAsync("unary", server);
    }

    [Fact]
    public async Task ForeignClient_OverMutualTls_IsServed()
    {
        using var files = new CertificateFiles();
        await using var server = await StartAsync("https://127.0.0.1:0", new TransportOptions { Tls = files.Server(mutual: true) });
        await RunAsync("unary", server, files.Client.Certificate!, files.Client.Key!, files.Client.Authorities!);
    }

    private static Task<TestServer> StartAsync(string listen = "http://127.0.0.1:0", TransportOptions? options = null) => TestServer.StartAsync(
        app => app.MapGrpcService<InteropService>(), services => services.AddSingleton<InteropService>(), listen, options);

    private async Task RunAsync(string name, TestServer server, params IEnumerable<string> arguments)
    {
        using var client = python.Run("interop_client.py", [name, server.ForeignAddress, .. arguments]);
        await client.FinishAsync();
    }
}
