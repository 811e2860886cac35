using System.ComponentModel.DataAnnotations;
using VaeCluster.Protocol.Transport;

namespace VaeCluster.Protocol.Tests.Transport;

public sealed class TransportOptionsTests
{
    [Fact]
    public void Validate_Defaults_HaveNoMistakes() => Assert.Empty(Mistakes(new TransportOptions()));

    [Fact]
    public void Validate_SeveralMistakes_NamesEachWithItsRule()
    {
        var mistakes = Mistakes(new TransportOptions
        {
            StreamWindowBytes = 2 << 20,
            ConnectionWindowBytes = 1 << 20,
            PingAfter = TimeSpan.Zero,
            Tls = new TlsOptions { Certificate = "a.pem", RequireClientCertificate = true },
        });

        Assert.Equal(
            [
                "connection_window_bytes is 1048576, below stream_window_bytes (2097152); it has to be at least as large.",
                "ping_after is 00:00:00; it has to lie between 00:00:01 and one hour.",
                "tls.certificate and tls.key belong together; set both or none.",
                "tls.require_client_certificate needs tls.authorities, which say whose certificates are good.",
            ],
            mistakes);
    }

    [Fact]
    public void Validate_NumberOutOfRange_SaysTheRange() =>
        Assert.Equal(["max_message_bytes has to lie between 65536 and 1073741824."], Mistakes(new TransportOptions { MaxMessageBytes = 1 }));

    [Theory]
    [InlineData("http://10.0.0.1:5000", "http://10.0.0.1:5000", false)]
    [InlineData("https://worker-1.ns:5000", "https://worker-1.ns:5000", true)]
    [InlineData("http://[::1]:5000/", "http://[::1]:5000", false)]
    [InlineData("unix:/run/a.sock", "unix:/run/a.sock", false)]
    [InlineData("unix:///run/a.sock", "unix:/run/a.sock", false)]
    public void Parse_Address_IsRead(string text, string expected, bool secure)
    {
        var address = TransportAddress.Parse(text);

        Assert.Equal((expected, secure), (address.ToString(), address.IsSecure));
    }

    [Theory]
    [InlineData("http://localhost:5000", true)]
    [InlineData("http://127.0.0.2:5000", true)]
    [InlineData("https://[::1]:5000", true)]
    [InlineData("unix:/run/a.sock", true)]
    [InlineData("http://0.0.0.0:5000", false)]
    [InlineData("http://[::]:5000", false)]
    [InlineData("http://worker-1:5000", false)]
    public void IsLocal_ByAddress_IsWhetherThisMachineAloneReachesIt(string text, bool local) =>
        Assert.Equal(local, TransportAddress.Parse(text).IsLocal);

    [Theory]
    [InlineData("")]
    [InlineData("worker-1:5000")]
    [InlineData("ftp://worker-1:5000")]
    [InlineData("http://worker-1:5000/path")]
    [InlineData("unix:relative.sock")]
    public void Parse_NoAddress_SaysWhatToWrite(string text) =>
        Assert.Contains("Write http://host:port", Assert.Throws<UserErrorException>(() => TransportAddress.Parse(text)).Message, StringComparison.Ordinal);

    private static List<string> Mistakes(TransportOptions options)
    {
        var results = new List<ValidationResult>();
        Validator.TryValidateObject(options, new ValidationContext(options), results, validateAllProperties: true);
        return [.. results.Select(result => result.ErrorMessage!)];
    }
}
