namespace Prometheus;

/// <summary>What to leave out of the default registry.</summary>
public sealed class SuppressDefaultMetricOptions
{
    /// <summary>The process' and the runtime's metrics.</summary>
    public bool SuppressProcessMetrics { get; set; }

    /// <summary>The official package's metrics about itself; there are none here.</summary>
    public bool SuppressDebugMetrics { get; set; }

    /// <summary>The official package's export of event counters; there is none here.</summary>
    public bool SuppressEventCounters { get; set; }

    /// <summary>The official package's export of System.Diagnostics.Metrics; there is none here.</summary>
    public bool SuppressMeters { get; set; }
}
