namespace Prometheus;

public abstract class MetricConfiguration
{
    protected MetricConfiguration() { }

    /// <summary>Label names for the overloads that do not take them themselves.</summary>
    public string[]? LabelNames { get; set; }

    /// <summary>A series is exported only once it has been given a value.</summary>
    public bool SuppressInitialValue { get; set; }
}

public sealed class CounterConfiguration : MetricConfiguration;

public sealed class GaugeConfiguration : MetricConfiguration;

public sealed class HistogramConfiguration : MetricConfiguration
{
    /// <summary>Upper bounds, ascending; +Inf is added. Null: 5 ms to 10 s.</summary>
    public double[]? Buckets { get; set; }
}
