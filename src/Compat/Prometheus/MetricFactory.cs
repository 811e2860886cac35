namespace Prometheus;

/// <summary>
/// Makes metrics in a registry. Asking again for the same name with the same labels returns the metric made first; the
/// same name with another type is an error.
/// </summary>
public interface IMetricFactory
{
    Counter CreateCounter(string name, string help, CounterConfiguration? configuration = null);
    Counter CreateCounter(string name, string help, string[] labelNames, CounterConfiguration? configuration = null);
    Gauge CreateGauge(string name, string help, GaugeConfiguration? configuration = null);
    Gauge CreateGauge(string name, string help, string[] labelNames, GaugeConfiguration? configuration = null);
    Histogram CreateHistogram(string name, string help, HistogramConfiguration? configuration = null);
    Histogram CreateHistogram(string name, string help, string[] labelNames, HistogramConfiguration? configuration = null);

    /// <summary>A factory whose metrics carry these labels as well.</summary>
    IMetricFactory WithLabels(IDictionary<string, string> labels);
}

/// <inheritdoc cref="IMetricFactory"/>
public sealed class MetricFactory : IMetricFactory
{
    private readonly CollectorRegistry registry;
    private readonly KeyValuePair<string, string>[] labels;

    internal MetricFactory(CollectorRegistry registry, KeyValuePair<string, string>[] labels)
    {
        this.registry = registry;
        this.labels = labels;
    }

    public Counter CreateCounter(string name, string help, CounterConfiguration? configuration = null) =>
        CreateCounter(name, help, configuration?.LabelNames ?? [], configuration);

    public Counter CreateCounter(string name, string help, params string[] labelNames) => CreateCounter(name, help, labelNames, null);

    public Counter CreateCounter(string name, string help, string[] labelNames, CounterConfiguration? configuration = null) =>
        registry.GetOrAdd(name, labelNames, labels, identity => new Counter(identity, help, configuration ?? new()));

    public Gauge CreateGauge(string name, string help, GaugeConfiguration? configuration = null) =>
        CreateGauge(name, help, configuration?.LabelNames ?? [], configuration);

    public Gauge CreateGauge(string name, string help, params string[] labelNames) => CreateGauge(name, help, labelNames, null);

    public Gauge CreateGauge(string name, string help, string[] labelNames, GaugeConfiguration? configuration = null) =>
        registry.GetOrAdd(name, labelNames, labels, identity => new Gauge(identity, help, configuration ?? new()));

    public Histogram CreateHistogram(string name, string help, HistogramConfiguration? configuration = null) =>
        CreateHistogram(name, help, configuration?.LabelNames ?? [], configuration);

    public Histogram CreateHistogram(string name, string help, params string[] labelNames) => CreateHistogram(name, help, labelNames, null);

    public Histogram CreateHistogram(string name, string help, string[] labelNames, HistogramConfiguration? configuration = null) =>
        registry.GetOrAdd(name, labelNames, labels, identity => new Histogram(identity, help, configuration ?? new()));

    public IMetricFactory WithLabels(IDictionary<string, string> labels)
    {
        ArgumentNullException.ThrowIfNull(labels);
        foreach (var label in labels.Keys) CollectorIdentity.CheckLabelName(label);
        if (this.labels.FirstOrDefault(label => labels.ContainsKey(label.Key)).Key is { } duplicate)
        {
            throw new InvalidOperationException($"The factory's metrics have a label '{duplicate}' already.");
        }
        return new MetricFactory(registry, [.. this.labels, .. labels]);
    }
}
