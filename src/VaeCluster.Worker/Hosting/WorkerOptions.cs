using System.ComponentModel.DataAnnotations;
using VaeCluster.Protocol.Transport;

namespace VaeCluster.Worker.Hosting;

/// <summary>What a worker is told by its command line; what it trains, the coordinator tells.</summary>
public sealed class WorkerOptions
{
    /// <summary>Where the coordinator is: http://host:port, https://host:port or unix:/path/of/socket.</summary>
    [Required]
    public string Coordinator { get; set; } = "";

    /// <summary>Stable over restarts: 1 to 64 letters, digits, '.', '_' or '-'.</summary>
    public string Id { get; set; } = Environment.MachineName;

    /// <summary>Where other members reach this one. Port 0 takes a free one.</summary>
    public string Listen { get; set; } = "http://127.0.0.1:0";

    /// <summary>The address that others are told; the one listened on where it is not given.</summary>
    public string? Advertise { get; set; }

    /// <summary>cpu, cuda:N, or auto: the first GPU where there is one.</summary>
    public string Device { get; set; } = "auto";

    /// <summary>Most slots that it computes in a step; 0 for any number.</summary>
    public int MostSlots { get; set; }

    /// <summary>The run's folder as this machine sees it; the coordinator's word where it is not given and there is such a folder.</summary>
    public string? RunFolder { get; set; }

    /// <summary>Holds the token that every call has to carry; the environment's VAECLUSTER_TOKEN where it is not given.</summary>
    public string? TokenFile { get; set; }

    /// <summary>Listen beyond loopback without a token: whoever reaches the port can then read the weights.</summary>
    public bool AllowNoToken { get; set; }

    /// <summary>Where /metrics and /healthz are, http://host:port, without a token; port 0 takes a free one.</summary>
    public string Metrics { get; set; } = "http://127.0.0.1:0";

    /// <summary>Once the run is finished, go on to serve metrics and health until told to end: for whoever starts anew what has ended.</summary>
    public bool Stay { get; set; }

    public TransportOptions Transport { get; set; } = new();
}
