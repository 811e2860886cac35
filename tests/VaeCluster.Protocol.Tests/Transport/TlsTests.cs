using System.Security.Authentication;
using Grpc.Core;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using VaeCluster.Protocol.Tests.Interop;
using VaeCluster.Protocol.Transport;

namespace VaeCluster.Protocol.Tests.Transport;

/// <summary>Who may talk to whom.</summary>
public sealed class TlsTests
{
    [Fact]
    public async Task MutualTls_WithCertificatesOfOneAuthority_Connects()
    {
        using var files = new CertificateFiles();
        await using var server = await StartAsync(files.Server(mutual: true), files.Client);

        Assert.Equal("a", await EchoAsync(server));
    }

    [Fact]
    public async Task MutualTls_ClientWithoutCertificate_IsRefused()
    {
        using var files = new CertificateFiles();
        await using var server = await StartAsync(files.Server(mutual: true), files.Anonymous);

        Assert.Equal(StatusCode.Unavailable, (await Assert.ThrowsAsync<RpcException>(() => EchoAsync(server))).StatusCode);
    }

    [Fact]
    public async Task MutualTls_ClientOfAnotherAuthority_IsRefused()
    {
        using var files = new CertificateFiles();
        using var others = new CertificateFiles();
        var client = others.Client;
        client.Authorities = files.Client.Authorities;
        await using var server = await StartAsync(files.Server(mutual: true), client);

        Assert.Equal(StatusCode.Unavailable, (await Assert.ThrowsAsync<RpcException>(() => EchoAsync(server))).StatusCode);
    }

    [Fact]
    public async Task Tls_ClientWithoutCertificate_ConnectsWhereNoneIsAskedFor()
    {
        using var files = new CertificateFiles();
        await using var server = await StartAsync(files.Server(mutual: false), files.Anonymous);

        Assert.Equal("a", await EchoAsync(server));
    }

    [Fact]
    public async Task Tls_ServerOfAnotherAuthority_IsRefused()
    {
        using var files = new CertificateFiles();
        using var others = new CertificateFiles();
        await using var server = await StartAsync(files.Server(mutual: false), others.Anonymous);

        var exception = await Assert.ThrowsAsync<RpcException>(() => EchoAsync(server));
        Assert.IsType<AuthenticationException>(exception.Status.DebugException!.InnerException);
    }

    [Fact]
    public void Tls_FileThatIsNotThere_IsNamed()
    {
        var options = new TransportOptions { Tls = new TlsOptions { Certificate = "/no/such.pem", Key = "/no/such.key" } };

        Assert.Contains("/no/such.pem", Assert.Throws<UserErrorException>(() => new TransportServer(options)).Message, StringComparison.Ordinal);
    }

    private static Task<TestServer> StartAsync(TlsOptions server, TlsOptions client) => TestServer.StartAsync(
        app => app.MapGrpcService<InteropService>(),
        services => services.AddSingleton<InteropService>(),
        "https://127.0.0.1:0",
        new TransportOptions { Tls = server },
        new TransportOptions { Tls = client });

    private static async Task<string> EchoAsync(TestServer server)
    {
        using var channel = server.Connect();
        return (await new Interop.Interop.InteropClient(channel).EchoAsync(new Item { Text = "a" }, Deadline.Call)).Text;
    }
}
