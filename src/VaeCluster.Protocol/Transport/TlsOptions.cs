using System.ComponentModel.DataAnnotations;

namespace VaeCluster.Protocol.Transport;

/// <summary>
/// Files in PEM. A server needs certificate and key; a channel needs them where the server asks for them (mutual TLS).
/// </summary>
public sealed class TlsOptions
{
    /// <summary>Certificate, with those between it and the authority after it.</summary>
    public string? Certificate { get; set; }

    /// <summary>The certificate's private key.</summary>
    public string? Key { get; set; }

    /// <summary>Certificates of the authorities that peers' certificates have to come from. Null for the system's.</summary>
    public string? Authorities { get; set; }

    /// <summary>Whether a server refuses clients without a certificate from one of the authorities.</summary>
    public bool RequireClientCertificate { get; set; }

    internal IEnumerable<ValidationResult> Validate()
    {
        if (Certificate is null != Key is null)
        {
            yield return new ValidationResult("tls.certificate and tls.key belong together; set both or none.", [nameof(Certificate)]);
        }
        if (RequireClientCertificate && Authorities is null)
        {
            yield return new ValidationResult(
                "tls.require_client_certificate needs tls.authorities, which say whose certificates are good.", [nameof(Authorities)]);
        }
    }
}
