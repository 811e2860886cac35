using Google.Protobuf;
using Grpc.Core;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using VaeCluster.Protocol.Tests.Interop;
using VaeCluster.Protocol.Transport;

namespace VaeCluster.Protocol.Tests.Transport;

public sealed class LimitsTests
{
    [Fact]
    public async Task Message_BeyondTheServersLimit_IsResourceExhausted()
    {
        await using var server = await StartAsync(new TransportOptions { MaxMessageBytes = 64 * 1024 }, new TransportOptions());
        using var channel = server.Connect();
        var client = new Interop.Interop.InteropClient(channel);

        var exception = await Assert.ThrowsAsync<RpcException>(() => client.EchoAsync(Of(64 * 1024), Deadline.Call).ResponseAsync);

        Assert.Equal(StatusCode.ResourceExhausted, exception.StatusCode);
        Assert.Equal(1000, (await client.EchoAsync(Of(1000), Deadline.Call)).Data.Length);
    }

    /// <summary>The coordinator takes small messages, and tells the status of all workers.</summary>
    [Fact]
    public async Task Answer_BeyondWhatTheServerTakes_IsSent()
    {
        await using var server = await StartAsync(new TransportOptions { MaxMessageBytes = 64 * 1024 }, new TransportOptions());
        using var channel = server.Connect();

        using var call = new Interop.Interop.InteropClient(channel).Download(new Order { Count = 1, Bytes = 1 << 20 }, Deadline.Call);

        Assert.True(await call.ResponseStream.MoveNext(CancellationToken.None));
        Assert.Equal(1 << 20, call.ResponseStream.Current.Data.Length);
    }

    [Fact]
    public async Task Message_BeyondTheClientsLimit_IsNotSent()
    {
        await using var server = await StartAsync(new TransportOptions(), new TransportOptions { MaxMessageBytes = 64 * 1024 });
        using var channel = server.Connect();

        var exception = await Assert.ThrowsAsync<RpcException>(() => new Interop.Interop.InteropClient(channel).EchoAsync(Of(64 * 1024), Deadline.Call).ResponseAsync);

        Assert.Equal(StatusCode.ResourceExhausted, exception.StatusCode);
    }

    /// <summary>More than the windows and than Kestrel's usual limit for a body (30 MB) in one message.</summary>
    [Fact]
    public async Task Message_LargerThanTheWindows_Passes()
    {
        var options = new TransportOptions { MaxMessageBytes = 64 << 20 };
        await using var server = await StartAsync(options, options);
        using var channel = server.Connect();
        var item = Of(40 << 20);

        Assert.Equal(item, await new Interop.Interop.InteropClient(channel).EchoAsync(item, Deadline.Call));
    }

    /// <summary>Our client opens further connections where the server's limit of streams is reached.</summary>
    [Fact]
    public async Task Calls_AThousandAtOnce_AreAnswered()
    {
        await using var server = await StartAsync(new TransportOptions(), new TransportOptions());
        using var channel = server.Connect();
        var client = new Interop.Interop.InteropClient(channel);
        var options = Deadline.Call;

        await Task.WhenAll(Enumerable.Range(0, 1000).Select(_ => client.CrowdAsync(new Order { Count = 1000 }, options).ResponseAsync));
    }

    [Fact]
    public async Task UnixSocket_FileOfAKilledServer_IsTakenOver()
    {
        using var folder = new TemporaryFolder();
        var path = folder.File("a.sock");
        using (var dead = new System.Net.Sockets.Socket(System.Net.Sockets.AddressFamily.Unix, System.Net.Sockets.SocketType.Stream, 0))
        {
            dead.Bind(new System.Net.Sockets.UnixDomainSocketEndPoint(path));
            File.Move(path, path + "2");
        }
        // Closing removed what was at the old name; what is left is a socket's file that nobody listens on.
        File.Move(path + "2", path);

        await using var server = await StartAsync(new TransportOptions(), new TransportOptions(), "unix:" + path);
        using var channel = server.Connect();

        Assert.Equal(3, (await new Interop.Interop.InteropClient(channel).EchoAsync(Of(3), Deadline.Call)).Data.Length);
    }

    [Fact]
    public async Task UnixSocket_OfALivingServer_IsNotTakenOver()
    {
        using var folder = new TemporaryFolder();
        var listen = "unix:" + folder.File("a.sock");
        await using var server = await StartAsync(new TransportOptions(), new TransportOptions(), listen);

        await Assert.ThrowsAnyAsync<IOException>(() => StartAsync(new TransportOptions(), new TransportOptions(), listen));

        using var channel = server.Connect();
        Assert.Equal(3, (await new Interop.Interop.InteropClient(channel).EchoAsync(Of(3), Deadline.Call)).Data.Length);
    }

    private static Item Of(int bytes) => new() { Data = UnsafeByteOperations.UnsafeWrap(new byte[bytes]) };

    private static Task<TestServer> StartAsync(TransportOptions server, TransportOptions client, string listen = "http://127.0.0.1:0") => TestServer.StartAsync(
        app => app.MapGrpcService<InteropService>(), services => services.AddSingleton<InteropService>(), listen, server, client);
}
