namespace Prometheus;

/// <summary>The default registry and the factories on it.</summary>
public static class Metrics
{
    static Metrics()
    {
        DefaultRegistry = new CollectorRegistry();
        DefaultFactory = new MetricFactory(DefaultRegistry, []);
        SuppressDefaultMetrics(new SuppressDefaultMetricOptions());
    }

    /// <summary>The registry of the methods of this class, with the process' and the runtime's metrics in it.</summary>
    public static CollectorRegistry DefaultRegistry { get; }

    public static MetricFactory DefaultFactory { get; }

    public static CollectorRegistry NewCustomRegistry() => new();

    public static MetricFactory WithCustomRegistry(CollectorRegistry registry)
    {
        ArgumentNullException.ThrowIfNull(registry);
        return new MetricFactory(registry, []);
    }

    public static IMetricFactory WithLabels(IDictionary<string, string> labels) => DefaultFactory.WithLabels(labels);

    public static Counter CreateCounter(string name, string help, CounterConfiguration? configuration = null) =>
        DefaultFactory.CreateCounter(name, help, configuration);

    public static Counter CreateCounter(string name, string help, params string[] labelNames) =>
        DefaultFactory.CreateCounter(name, help, labelNames);

    public static Counter CreateCounter(string name, string help, string[] labelNames, CounterConfiguration? configuration = null) =>
        DefaultFactory.CreateCounter(name, help, labelNames, configuration);

    public static Gauge CreateGauge(string name, string help, GaugeConfiguration? configuration = null) =>
        DefaultFactory.CreateGauge(name, help, configuration);

    public static Gauge CreateGauge(string name, string help, params string[] labelNames) =>
        DefaultFactory.CreateGauge(name, help, labelNames);

    public static Gauge CreateGauge(string name, string help, string[] labelNames, GaugeConfiguration? configuration = null) =>
        DefaultFactory.CreateGauge(name, help, labelNames, configuration);

    public static Histogram CreateHistogram(string name, string help, HistogramConfiguration? configuration = null) =>
        DefaultFactory.CreateHistogram(name, help, configuration);

    public static Histogram CreateHistogram(string name, string help, params string[] labelNames) =>
        DefaultFactory.CreateHistogram(name, help, labelNames);

    public static Histogram CreateHistogram(string name, string help, string[] labelNames, HistogramConfiguration? configuration = null) =>
        DefaultFactory.CreateHistogram(name, help, labelNames, configuration);

    /// <summary>Keeps everything that nobody asked for out of the default registry. To be called before its first export.</summary>
    public static void SuppressDefaultMetrics() =>
        SuppressDefaultMetrics(new SuppressDefaultMetricOptions { SuppressProcessMetrics = true });

    /// <inheritdoc cref="SuppressDefaultMetrics()"/>
    public static void SuppressDefaultMetrics(SuppressDefaultMetricOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        DefaultRegistry.SetBeforeFirstCollect(options.SuppressProcessMetrics ? null : () => DotNetStats.Register(DefaultFactory, DefaultRegistry));
    }
}
