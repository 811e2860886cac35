using System.ComponentModel.DataAnnotations;
using VaeCluster.Coordinator.Membership;
using VaeCluster.Coordinator.Plans;
using VaeCluster.Protocol.Metrics;
using VaeCluster.Protocol.Transport;

namespace VaeCluster.Coordinator;

/// <summary>The section `coordinator`.</summary>
public sealed class CoordinatorOptions : IValidatableObject
{
    /// <summary>Where workers reach it: http://host:port, https://host:port or unix:/path/of/socket. Port 0 takes a free one.</summary>
    public string Listen { get; set; } = "http://127.0.0.1:5000";

    /// <summary>Holds the token that every call has to carry; the environment's VAECLUSTER_TOKEN where it is not given.</summary>
    public string? TokenFile { get; set; }

    /// <summary>Listen beyond loopback without a token: whoever reaches the port can then join and end the run.</summary>
    public bool AllowNoToken { get; set; }

    /// <summary>Local folder of journals, one below it for each run, copied to the run's folder with each checkpoint; in the run's folder itself where it is not given.</summary>
    public string? JournalFolder { get; set; }

    /// <summary>Workers that are known at a time, members or not.</summary>
    [Range(1, 100_000)]
    public int MostWorkers { get; set; } = 4096;

    /// <summary>Hellos a second, over all; twice as many at once.</summary>
    [Range(1, 100_000)]
    public int MostHellosPerSecond { get; set; } = 500;

    /// <summary>Messages a second from one worker, on average over ten seconds.</summary>
    [Range(10, 100_000)]
    public int MostMessagesPerSecond { get; set; } = 100;

    /// <summary>Messages that wait for a worker to read them; one more ends its stream.</summary>
    [Range(16, 100_000)]
    public int MostUnread { get; set; } = 256;

    /// <summary>How long workers may take to save and leave once the run is finished.</summary>
    public TimeSpan FinishTime { get; set; } = TimeSpan.FromMinutes(10);

    /// <summary>Once the run is finished, go on to tell how it is until told to end: for whoever starts anew what has ended.</summary>
    public bool Stay { get; set; }

    /// <summary>Where /metrics, /healthz and /readyz are, http://host:port, without a token; port 0 takes a free one.</summary>
    public string Metrics { get; set; } = MetricsEndpoint.DefaultListen;

    public PlanOptions Plans { get; set; } = new();

    public LeaseOptions Lease { get; set; } = new();

    public TransportOptions Transport { get; set; } = new() { MaxMessageBytes = 1 << 20, MaxStreamsPerConnection = 100 };

    public IEnumerable<ValidationResult> Validate(ValidationContext validationContext)
    {
        if (!TransportAddress.TryParse(Listen, out _))
            yield return new("is no address: write http://host:port, https://host:port or unix:/path/of/socket", [nameof(Listen)]);
        if (FinishTime < TimeSpan.Zero) yield return new("can't be negative", [nameof(FinishTime)]);
    }
}
