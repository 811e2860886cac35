namespace Prometheus;

/// <summary>A set of metrics that is exported together.</summary>
public interface ICollectorRegistry
{
    IEnumerable<KeyValuePair<string, string>> StaticLabels { get; }
    void AddBeforeCollectCallback(Action callback);
    void AddBeforeCollectCallback(Func<CancellationToken, Task> callback);
    void SetStaticLabels(IDictionary<string, string> labels);

    Task CollectAndExportAsTextAsync(Stream to, ExpositionFormat format = ExpositionFormat.PrometheusText,
        CancellationToken cancel = default);
}

/// <inheritdoc cref="ICollectorRegistry"/>
public sealed class CollectorRegistry : ICollectorRegistry
{
    private readonly Lock gate = new();
    private readonly Dictionary<string, MetricFamily> families = [];

    // Replaced under the lock, never changed: a scrape reads them without it.
    private volatile MetricFamily[] ordered = [];
    private volatile Action[] callbacks = [];
    private volatile Func<CancellationToken, Task>[] asyncCallbacks = [];
    private volatile KeyValuePair<string, string>[] staticLabels = [];

    private Action? beforeFirstCollect;

    /// <summary>Labels that all metrics of this registry carry.</summary>
    public IEnumerable<KeyValuePair<string, string>> StaticLabels => staticLabels;

    /// <summary>Sets <see cref="StaticLabels"/>: once, and before the first metric is made.</summary>
    public void SetStaticLabels(IDictionary<string, string> labels)
    {
        ArgumentNullException.ThrowIfNull(labels);
        foreach (var label in labels.Keys) CollectorIdentity.CheckLabelName(label);
        lock (gate)
        {
            if (staticLabels.Length > 0) throw new InvalidOperationException("The registry's static labels have been set already.");
            if (families.Count > 0) throw new InvalidOperationException("The registry has metrics already: static labels come first.");
            staticLabels = [.. labels];
        }
    }

    /// <summary>
    /// Runs the callback before each export, to bring values up to date. Throwing <see cref="ScrapeFailedException"/>
    /// fails the scrape with its message.
    /// </summary>
    public void AddBeforeCollectCallback(Action callback)
    {
        ArgumentNullException.ThrowIfNull(callback);
        lock (gate) callbacks = [.. callbacks, callback];
    }

    /// <inheritdoc cref="AddBeforeCollectCallback(Action)"/>
    public void AddBeforeCollectCallback(Func<CancellationToken, Task> callback)
    {
        ArgumentNullException.ThrowIfNull(callback);
        lock (gate) asyncCallbacks = [.. asyncCallbacks, callback];
    }

    /// <summary>Exports in the text format 0.0.4.</summary>
    public Task CollectAndExportAsTextAsync(Stream to, CancellationToken cancel = default) =>
        CollectAndExportAsTextAsync(to, ExpositionFormat.PrometheusText, cancel);

    /// <summary>Runs the callbacks and writes all metrics to the stream.</summary>
    public async Task CollectAndExportAsTextAsync(Stream to, ExpositionFormat format, CancellationToken cancel = default)
    {
        ArgumentNullException.ThrowIfNull(to);
        await CollectAsync(cancel).ConfigureAwait(false);
        await ExportAsync(to, format, cancel).ConfigureAwait(false);
    }

    /// <summary>Replaces what runs once, before the first export.</summary>
    internal void SetBeforeFirstCollect(Action? callback)
    {
        lock (gate) beforeFirstCollect = callback;
    }

    /// <summary>The metric of this identity; made if there is none.</summary>
    internal TCollector GetOrAdd<TCollector>(string name, string[] labelNames, KeyValuePair<string, string>[] factoryLabels,
        Func<CollectorIdentity, TCollector> create) where TCollector : Collector
    {
        ArgumentNullException.ThrowIfNull(labelNames);
        lock (gate)
        {
            var identity = new CollectorIdentity(name, labelNames, [.. factoryLabels, .. staticLabels]);
            families.TryGetValue(name, out var family);
            var existing = family?.Find(identity);
            if (existing is TCollector same) return same;

            var collector = create(identity);
            if (family is null)
            {
                family = families[name] = new MetricFamily(collector);
                ordered = [.. ordered, family];
            }
            else if (family.Type != collector.Type)
            {
                throw new InvalidOperationException(
                    $"{name} is a {family.Type.ToString().ToLowerInvariant()} already: it cannot be a {collector.Type.ToString().ToLowerInvariant()} too.");
            }
            else
            {
                family.Add(collector);
            }
            collector.CreateInitialSeries();
            return collector;
        }
    }

    /// <summary>The part of a scrape that may fail: the callbacks, those that await side by side.</summary>
    internal async Task CollectAsync(CancellationToken cancel)
    {
        Action? first;
        lock (gate) (first, beforeFirstCollect) = (beforeFirstCollect, null);
        first?.Invoke();

        foreach (var callback in callbacks) callback();
        await Task.WhenAll(asyncCallbacks.Select(callback => callback(cancel))).ConfigureAwait(false);
    }

    internal async Task ExportAsync(Stream to, ExpositionFormat format, CancellationToken cancel)
    {
        using var writer = new ExpositionWriter(to, format);
        foreach (var family in ordered) await family.WriteAsync(writer, cancel).ConfigureAwait(false);
        if (format == ExpositionFormat.OpenMetricsText) writer.Write("# EOF\n"u8);
        await writer.FlushAsync(cancel).ConfigureAwait(false);
    }
}
