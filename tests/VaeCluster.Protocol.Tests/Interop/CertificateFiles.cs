using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using VaeCluster.Protocol.Transport;

namespace VaeCluster.Protocol.Tests.Interop;

/// <summary>An authority with a certificate for a server on this machine and one for a client, all in PEM files.</summary>
internal sealed class CertificateFiles : IDisposable
{
    private readonly TemporaryFolder folder = new();
    private readonly DateTimeOffset from = DateTimeOffset.UtcNow.AddHours(-1);
    private readonly DateTimeOffset to = DateTimeOffset.UtcNow.AddHours(1);

    public CertificateFiles()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=test authority", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.KeyCertSign, true));
        using var authority = request.CreateSelfSigned(from.AddMinutes(-1), to.AddMinutes(1));
        File.WriteAllText(folder.File("authority.pem"), authority.ExportCertificatePem());
        Issue(authority, "server", "1.3.6.1.5.5.7.3.1");
        Issue(authority, "client", "1.3.6.1.5.5.7.3.2");
        Issue(authority, "member", "1.3.6.1.5.5.7.3.1", "1.3.6.1.5.5.7.3.2");
    }

    public TlsOptions Client => new()
    {
        Certificate = folder.File("client.pem"),
        Key = folder.File("client.key"),
        Authorities = folder.File("authority.pem"),
    };

    /// <summary>A client that trusts the authority and has no certificate of its own.</summary>
    public TlsOptions Anonymous => new() { Authorities = folder.File("authority.pem") };

    /// <summary>Who serves and calls, with mutual TLS.</summary>
    public TlsOptions Member => new()
    {
        Certificate = folder.File("member.pem"),
        Key = folder.File("member.key"),
        Authorities = folder.File("authority.pem"),
        RequireClientCertificate = true,
    };

    public TlsOptions Server(bool mutual) => new()
    {
        Certificate = folder.File("server.pem"),
        Key = folder.File("server.key"),
        Authorities = folder.File("authority.pem"),
        RequireClientCertificate = mutual,
    };

    public void Dispose() => folder.Dispose();

    private void Issue(X509Certificate2 authority, string name, params string[] usages)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest($"CN={name}", key, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        names.AddDnsName("localhost");
        names.AddIpAddress(IPAddress.Loopback);
        request.CertificateExtensions.Add(names.Build());
        request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension(Oids(usages), false));
        using var certificate = request.Create(authority, from, to, RandomNumberGenerator.GetBytes(8));
        File.WriteAllText(folder.File(name + ".pem"), certificate.ExportCertificatePem());
        File.WriteAllText(folder.File(name + ".key"), key.ExportPkcs8PrivateKeyPem());
    }

    private static OidCollection Oids(IEnumerable<string> usages)
    {
        var oids = new OidCollection();
        foreach (var usage in usages) oids.Add(new Oid(usage));
        return oids;
    }
}
