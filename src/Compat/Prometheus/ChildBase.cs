namespace Prometheus;

/// <summary>One series of a metric.</summary>
public abstract class ChildBase : ICollectorChild, IDisposable
{
    private readonly Collector parent;
    private volatile bool published;

    internal ChildBase(Collector parent, string[] labelValues, bool publish)
    {
        this.parent = parent;
        LabelValues = labelValues;
        LabelBytes = parent.Identity.EncodeLabels(labelValues);
        published = publish;
    }

    internal string[] LabelValues { get; }

    /// <summary>The labels as they are exported, a="b",c="d", without braces; empty when there are none.</summary>
    internal byte[] LabelBytes { get; }

    internal long Order { get; set; }
    internal bool IsPublished => published;

    /// <summary>Exports the series from now on; a change of its value does the same.</summary>
    public void Publish()
    {
        // Read first: a write on each change would make the cores pass the cache line around.
        if (!published) published = true;
    }

    /// <summary>Keeps the series, with its value, out of the export until its next change.</summary>
    public void Unpublish() => published = false;

    /// <summary>Takes the series out of its metric for good; a later use of its label values makes a new one.</summary>
    public void Remove() => parent.Remove(this);

    public void Dispose() => Remove();

    internal abstract void Write(ExpositionWriter writer);

    public override string ToString() => $"{parent.Name}{{{ExpositionWriter.Utf8.GetString(LabelBytes)}}}";
}
