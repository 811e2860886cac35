using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;

namespace Prometheus;

/// <summary>A metric and its series. Looking up a series that exists takes no lock and allocates nothing.</summary>
public abstract class Collector<TChild> : Collector, ICollector<TChild> where TChild : ChildBase
{
    private readonly ConcurrentDictionary<string[], TChild> children = new(LabelValuesComparer.Instance);
    private readonly ConcurrentDictionary<string[], TChild>.AlternateLookup<ReadOnlySpan<string>> lookup;
    private readonly bool suppressInitialValue;

    // Adding, removing and taking the snapshot happen under the lock.
    private readonly Lock gate = new();
    private TChild? unlabelled;
    private TChild[]? snapshot;
    private long created;

    internal Collector(CollectorIdentity identity, string help, bool suppressInitialValue) : base(identity, help)
    {
        this.suppressInitialValue = suppressInitialValue;
        lookup = children.GetAlternateLookup<ReadOnlySpan<string>>();
    }

    /// <summary>The series without label values; a metric with label names may have one too.</summary>
    protected TChild Unlabelled => Volatile.Read(ref unlabelled) ?? GetOrAdd([]);

    TChild ICollector<TChild>.Unlabelled => Unlabelled;

    /// <inheritdoc cref="WithLabels(string[])"/>
    public TChild Labels(params string[] labelValues) => WithLabels(labelValues);

    /// <summary>The series with these values, in the order of the label names; made on first use.</summary>
    /// <exception cref="ArgumentException">Not one value for each label name.</exception>
    public TChild WithLabels(params string[] labelValues)
    {
        ArgumentNullException.ThrowIfNull(labelValues);
        return WithLabels(labelValues.AsSpan());
    }

    /// <inheritdoc cref="WithLabels(string[])"/>
    public TChild WithLabels(ReadOnlyMemory<string> labelValues) => WithLabels(labelValues.Span);

    /// <inheritdoc cref="WithLabels(string[])"/>
    public TChild WithLabels(ReadOnlySpan<string> labelValues)
    {
        Check(labelValues);
        return lookup.TryGetValue(labelValues, out var child) ? child : GetOrAdd(labelValues);
    }

    /// <summary>Forgets the series: it is exported no more, and the next use of these values starts a new one.</summary>
    public void RemoveLabelled(params string[] labelValues)
    {
        ArgumentNullException.ThrowIfNull(labelValues);
        Check(labelValues);
        if (children.TryGetValue(labelValues, out var child)) Remove(child);
    }

    /// <summary>The label values of each series that has them, in the order in which the series were made.</summary>
    public IEnumerable<string[]> GetAllLabelValues() =>
        Series().Where(child => child.LabelValues.Length > 0).Select(child => (string[])child.LabelValues.Clone());

    public override string ToString() => base.ToString();

    internal abstract TChild NewChild(string[] labelValues, bool publish);

    internal override void CreateInitialSeries()
    {
        if (Identity.LabelNames.Length == 0) _ = Unlabelled;
    }

    internal override void Remove(ChildBase child)
    {
        lock (gate)
        {
            // The values may by now belong to a newer series, which stays.
            if (!children.TryRemove(new KeyValuePair<string[], TChild>(child.LabelValues, (TChild)child))) return;
            if (ReferenceEquals(unlabelled, child)) Volatile.Write(ref unlabelled, null);
            snapshot = null;
        }
    }

    internal override async ValueTask WriteSeriesAsync(ExpositionWriter writer, CancellationToken cancel)
    {
        CreateInitialSeries();
        foreach (var child in Series())
        {
            if (!child.IsPublished) continue;
            child.Write(writer);
            if (writer.IsFull) await writer.FlushAsync(cancel).ConfigureAwait(false);
        }
    }

    private TChild GetOrAdd(ReadOnlySpan<string> labelValues)
    {
        lock (gate)
        {
            if (lookup.TryGetValue(labelValues, out var child)) return child;

            child = NewChild(labelValues.ToArray(), publish: !suppressInitialValue);
            child.Order = created++;
            children[child.LabelValues] = child;
            if (labelValues.IsEmpty) Volatile.Write(ref unlabelled, child);
            snapshot = null;
            return child;
        }
    }

    /// <summary>The series in the order in which they were made, so that two scrapes differ only by their values.</summary>
    private TChild[] Series()
    {
        lock (gate) return snapshot ??= [.. children.Values.OrderBy(child => child.Order)];
    }

    private void Check(ReadOnlySpan<string> labelValues)
    {
        if (labelValues.Length != Identity.LabelNames.Length) ThrowCount(labelValues.Length);
        foreach (var value in labelValues)
        {
            if (value is null) throw new ArgumentNullException(nameof(labelValues), $"{Name}: a label value cannot be null.");
        }
    }

    [DoesNotReturn]
    private void ThrowCount(int given) => throw new ArgumentException(
        $"{Name} has {Identity.LabelNames.Length} labels ({string.Join(", ", Identity.LabelNames)}), but {given} values were given.");
}
