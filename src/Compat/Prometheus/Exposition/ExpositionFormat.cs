namespace Prometheus;

public enum ExpositionFormat
{
    /// <summary>Prometheus' text format 0.0.4.</summary>
    PrometheusText = 0,

    /// <summary>OpenMetrics 1.0.0.</summary>
    OpenMetricsText = 1,
}
