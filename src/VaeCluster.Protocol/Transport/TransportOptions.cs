using System.ComponentModel.DataAnnotations;

namespace VaeCluster.Protocol.Transport;

/// <summary>How gRPC runs over the network, on servers and channels alike.</summary>
public sealed class TransportOptions : IValidatableObject
{
    /// <summary>
    /// Largest message that a server takes, and that a client takes or sends, in bytes. A segment has 512 KiB; the status of
    /// 5,000 workers is the largest answer.
    /// </summary>
    [Range(64 * 1024, 1 << 30, ErrorMessage = "max_message_bytes has to lie between 65536 and 1073741824.")]
    public int MaxMessageBytes { get; set; } = 8 << 20;

    /// <summary>What a stream may have in flight, in bytes. Below 1 MiB throughput falls; above it nothing is gained.</summary>
    [Range(65_535, 16 << 20, ErrorMessage = "stream_window_bytes has to lie between 65535 and 16777216.")]
    public int StreamWindowBytes { get; set; } = 1 << 20;

    /// <summary>What all streams of a connection together may have in flight, in bytes.</summary>
    [Range(65_535, 64 << 20, ErrorMessage = "connection_window_bytes has to lie between 65535 and 67108864.")]
    public int ConnectionWindowBytes { get; set; } = 4 << 20;

    /// <summary>A connection that was silent for so long is asked for a sign of life.</summary>
    public TimeSpan PingAfter { get; set; } = TimeSpan.FromSeconds(5);

    /// <summary>A connection that has not answered for so long is closed.</summary>
    public TimeSpan PingTimeout { get; set; } = TimeSpan.FromSeconds(5);

    /// <summary>How long a connection may take to open.</summary>
    public TimeSpan ConnectTimeout { get; set; } = TimeSpan.FromSeconds(5);

    /// <summary>Streams at a time on one connection; a client opens another connection for more.</summary>
    [Range(1, 10_000, ErrorMessage = "max_streams_per_connection has to lie between 1 and 10000.")]
    public int MaxStreamsPerConnection { get; set; } = 100;

    /// <summary>Null for plain text.</summary>
    public TlsOptions? Tls { get; set; }

    public IEnumerable<ValidationResult> Validate(ValidationContext validationContext)
    {
        if (ConnectionWindowBytes < StreamWindowBytes)
        {
            yield return new ValidationResult(
                $"connection_window_bytes is {ConnectionWindowBytes}, below stream_window_bytes ({StreamWindowBytes}); it has to be at least as large.",
                [nameof(ConnectionWindowBytes)]);
        }
        foreach (var (name, value, least) in new[]
        {
            // HTTP/2 pings are not sent more often than once a second, by either side.
            ("ping_after", PingAfter, TimeSpan.FromSeconds(1)),
            ("ping_timeout", PingTimeout, TimeSpan.FromSeconds(1)),
            ("connect_timeout", ConnectTimeout, TimeSpan.FromMilliseconds(1)),
        })
        {
            if (value < least || value > TimeSpan.FromHours(1))
            {
                yield return new ValidationResult($"{name} is {value}; it has to lie between {least} and one hour.", [name]);
            }
        }
        foreach (var mistake in Tls?.Validate() ?? []) yield return mistake;
    }
}
