namespace Prometheus;

/// <summary>What metrics of all types have in common.</summary>
public abstract class Collector
{
    internal Collector(CollectorIdentity identity, string help)
    {
        Identity = identity;
        Help = help;
    }

    public string Name => Identity.Name;
    public string Help { get; }
    public string[] LabelNames => [.. Identity.LabelNames];

    internal CollectorIdentity Identity { get; }
    internal abstract MetricType Type { get; }

    /// <summary>Makes the series of a metric without labels, which is there from the start.</summary>
    internal abstract void CreateInitialSeries();

    internal abstract void Remove(ChildBase child);
    internal abstract ValueTask WriteSeriesAsync(ExpositionWriter writer, CancellationToken cancel);

    public override string ToString() => $"{Name}{{{string.Join(",", Identity.LabelNames)}}}";
}
