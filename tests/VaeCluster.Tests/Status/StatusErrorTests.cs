using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.Logging;
using VaeCluster.Protocol.Tests.Interop;

namespace VaeCluster.Tests.Status;

/// <summary>Whatever keeps the program from a coordinator is a sentence on stderr and exit code 2.</summary>
public sealed class StatusErrorTests
{
    private const string Token = "0123456789abcdef0123456789abcdef";

    [Theory]
    [InlineData("localhost:5000", "\"localhost:5000\" is no address. Write http://host:port")]
    [InlineData("http://no-such-host.invalid:5000", "http://no-such-host.invalid:5000: nobody answers there")]
    [InlineData("unix:/no/such/socket", "unix:/no/such/socket: nobody answers there")]
    [InlineData("http://127.0.0.1:1 --json --watch", "--json and --watch exclude each other")]
    [InlineData("http://127.0.0.1:1 --token-file /no/such/token", "/no/such/token: the token can't be read")]
    [InlineData("https://127.0.0.1:1 --tls-key /no/such/key", "tls.certificate and tls.key belong together")]
    [InlineData("https://127.0.0.1:1 --tls-authorities /no/such/file", "tls.authorities: /no/such/file cannot be used")]
    [InlineData("http://127.0.0.1:1 --tls-authorities /no/such/file", "certificates are for https:// addresses")]
    public void Status_WrongUse_IsNamed(string line, string expected) => ProgramRun.Of(["status", .. line.Split(' ')]).AssertUserError(expected);

    [Theory]
    [InlineData()]
    [InlineData("--watch")]
    [InlineData("--json")]
    public void Status_NobodyThere_IsNamed(params string[] more)
    {
        // A port that was free a moment ago, bound and not listened on: connections to it are refused.
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        var url = $"http://127.0.0.1:{((IPEndPoint)socket.LocalEndPoint!).Port}";

        ProgramRun.Of(["status", url, .. more]).AssertUserError($"{url}: nobody answers there: Connection refused", "Is the coordinator running");
    }

    [Fact]
    public async Task Status_TokenMissingOrWrong_IsNamed()
    {
        using var folder = new Folder();
        var file = folder.Write("token", Token);
        await using var sandbox = await CoordinatorSandbox.StartAsync(options => options.TokenFile = file);

        ProgramRun.Of("status", sandbox.Address).AssertUserError("asks for a token", "--token-file or VAECLUSTER_TOKEN");
        ProgramRun.Of("status", sandbox.Address, "--token-file", folder.Write("other", Token.Replace('0', '1'))).AssertUserError("has another token");
        ProgramRun.Of("status", sandbox.Address, "--token-file", folder.Write("short", "secret")).AssertUserError("16 to 512 printable ASCII");
        Assert.Contains("token 2", ProgramRun.Of("status", sandbox.Address, "--token-file", file).AssertSuccess().Output, StringComparison.Ordinal);
        ProgramRun.Start(ProgramRun.ProgramPath, ["status", sandbox.Address], new() { ["VAECLUSTER_TOKEN"] = Token }).AssertSuccess();
    }

    [Fact]
    public async Task Status_TlsMismatch_IsNamed()
    {
        using var files = new CertificateFiles();
        using var others = new CertificateFiles();
        var client = files.Client;
        await using var sandbox = await CoordinatorSandbox.StartAsync(options =>
        {
            options.Listen = "https://127.0.0.1:0";
            options.Transport.Tls = files.Server(mutual: true);
        }, client);
        string[] trusted = ["--tls-authorities", client.Authorities!], ours = ["--tls-certificate", client.Certificate!, "--tls-key", client.Key!];

        Assert.Contains("waiting", ProgramRun.Of(["status", sandbox.Address, .. trusted, .. ours]).AssertSuccess().Output, StringComparison.Ordinal);
        ProgramRun.Of("status", sandbox.Address).AssertUserError("TLS failed", "--tls-authorities");
        ProgramRun.Of("status", sandbox.Address, "--tls-authorities", others.Client.Authorities!).AssertUserError("TLS failed", "--tls-authorities");
        ProgramRun.Of(["status", sandbox.Address, .. trusted]).AssertUserError("certificate (--tls-certificate)");
        ProgramRun.Of("status", sandbox.Address.Replace("https", "http")).AssertUserError("Does the coordinator listen on https://");

        await using var plain = await CoordinatorSandbox.StartAsync();
        ProgramRun.Of("status", plain.Address.Replace("http", "https")).AssertUserError("TLS failed", "Is it an https:// address");
    }

    [Fact]
    public async Task Status_AnotherService_IsNamed()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0, listen => listen.Protocols = HttpProtocols.Http2));
        await using var other = builder.Build();
        await other.StartAsync(TestContext.Current.CancellationToken);

        ProgramRun.Of("status", other.Urls.First()).AssertUserError("somebody answers there, but it is no coordinator");
    }

    private sealed class Folder : IDisposable
    {
        private readonly string path = Directory.CreateTempSubdirectory("vaecluster-token-").FullName;

        public string Write(string name, string text)
        {
            File.WriteAllText(Path.Combine(path, name), text);
            return Path.Combine(path, name);
        }

        public void Dispose() => Directory.Delete(path, recursive: true);
    }
}
