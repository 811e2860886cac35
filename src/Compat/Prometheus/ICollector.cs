namespace Prometheus;

/// <summary>A metric: a name, what it means, and the names of the labels that tell its series apart.</summary>
public interface ICollector
{
    string Name { get; }
    string Help { get; }
    string[] LabelNames { get; }
}

/// <summary>A metric and its series, one for each set of label values.</summary>
public interface ICollector<out TChild> : ICollector where TChild : ICollectorChild
{
    /// <summary>The series without label values.</summary>
    TChild Unlabelled { get; }

    /// <summary>The series with these values, in the order of <see cref="ICollector.LabelNames"/>; made on first use.</summary>
    TChild WithLabels(params string[] labelValues);
    TChild WithLabels(ReadOnlyMemory<string> labelValues);
    TChild WithLabels(ReadOnlySpan<string> labelValues);
}

/// <summary>One series of a metric.</summary>
public interface ICollectorChild;
