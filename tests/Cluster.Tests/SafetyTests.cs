using VaeCluster.Protocol.Tests.Interop;
using VaeCluster.Tests;

namespace VaeCluster.Cluster.Tests;

/// <summary>Who is let in: a token on every call, mutual TLS on every port.</summary>
public sealed class SafetyTests
{
    private const string Token = "0123456789abcdef0123456789abcdef";

    [Fact]
    public async Task TokenAndMutualTls_OnAllPorts_TheRunIsTheSame()
    {
        var config = Configs.Tiny(20);
        using var certificates = new CertificateFiles();
        await using var cluster = new TestCluster(config, SecurityOf(certificates), "plans.min_members=2");
        cluster.StartWorkers(2);

        await cluster.CompleteAsync();
        Assert.Equal(TestCluster.WeightsOfOneProcess(config), cluster.Weights());
    }

    [Fact]
    public async Task WorkerWithAnotherToken_IsToldNothingButThat()
    {
        using var certificates = new CertificateFiles();
        var security = SecurityOf(certificates);
        await using var cluster = new TestCluster(Configs.Tiny(20), security, "plans.min_members=2");
        cluster.StartWorkers(1);

        var stranger = ProgramRun.Start(ProgramRun.ProgramPath,
            ["worker", "--coordinator", cluster.Address, "--listen", "https://127.0.0.1:0", "--id", "stranger", "--option", .. security.Options],
            new() { ["VAECLUSTER_TOKEN"] = "another-token-of-good-length" });

        Assert.True(stranger.ExitCode == 2, $"exit {stranger.ExitCode}\n{stranger.Errors}");
        Assert.Contains("does not take this worker's token", stranger.Errors, StringComparison.Ordinal);
        Assert.DoesNotContain("manifest", stranger.Errors, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("coordinator", "--run", "run", "--listen", "http://0.0.0.0:0")]
    [InlineData("worker", "--coordinator", "http://127.0.0.1:1", "--listen", "http://0.0.0.0:0")]
    public void ListenBeyondThisMachine_WithoutAToken_IsRefused(params string[] arguments)
    {
        var folder = Directory.CreateTempSubdirectory("vc-safety-");
        try
        {
            var run = ProgramRun.Shell($"cd {folder.FullName}; unset VAECLUSTER_TOKEN; {ProgramRun.ProgramPath} {string.Join(' ', arguments)}");
            run.AssertUserError("there is no token");
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    private static TestCluster.Security SecurityOf(CertificateFiles certificates)
    {
        var tls = certificates.Member;
        return new(LinkProxy.FreePort(), Token,
        [
            $"transport.tls.certificate={tls.Certificate}", $"transport.tls.key={tls.Key}", $"transport.tls.authorities={tls.Authorities}",
            "transport.tls.require_client_certificate=true",
        ]);
    }
}
