using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace VaeCluster.Protocol.Transport;

/// <summary>The certificates that <see cref="TlsOptions"/> names, loaded once.</summary>
internal sealed class TlsFiles : IDisposable
{
    private readonly X509Certificate2Collection intermediates = [];
    private readonly X509Certificate2Collection authorities = [];

    public TlsFiles(TlsOptions options)
    {
        if (options is { Certificate: { } certificate, Key: { } key })
        {
            Load("tls.certificate", certificate, () =>
            {
                Certificate = X509Certificate2.CreateFromPemFile(certificate, key);
                intermediates.ImportFromPemFile(certificate);
            });
        }
        if (options.Authorities is { } file)
        {
            Load("tls.authorities", file, () => authorities.ImportFromPemFile(file));
            if (authorities.Count == 0) throw new UserErrorException($"tls.authorities: {file} has no certificate in it. Give a file in PEM.");
        }
        if (Certificate is not null) Context = SslStreamCertificateContext.Create(Certificate, intermediates, offline: true);
    }

    public X509Certificate2? Certificate { get; private set; }

    /// <summary>The certificate with those between it and its authority, as it is sent.</summary>
    public SslStreamCertificateContext? Context { get; }

    /// <summary>How a peer's certificate is judged; null for the system's rules.</summary>
    public X509ChainPolicy? PeerPolicy()
    {
        if (authorities.Count == 0) return null;
        var policy = new X509ChainPolicy { TrustMode = X509ChainTrustMode.CustomRootTrust, RevocationMode = X509RevocationMode.NoCheck };
        policy.CustomTrustStore.AddRange(authorities);
        return policy;
    }

    public void Dispose()
    {
        Certificate?.Dispose();
        foreach (var certificate in intermediates.Concat(authorities)) certificate.Dispose();
    }

    private static void Load(string setting, string file, Action load)
    {
        try
        {
            load();
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or CryptographicException)
        {
            throw new UserErrorException($"{setting}: {file} cannot be used: {exception.Message} Give certificate and key in PEM, unencrypted.");
        }
    }
}
