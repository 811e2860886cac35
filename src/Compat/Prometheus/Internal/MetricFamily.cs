namespace Prometheus;

/// <summary>
/// The metrics of one name, which must be of one type and are exported together under one declaration. They differ by
/// label names or constant labels; the help text is that of the first.
/// </summary>
internal sealed class MetricFamily
{
    private const string TotalSuffix = "_total";

    private readonly byte[] textDeclaration;
    private readonly byte[] openMetricsDeclaration;
    private volatile Collector[] collectors;

    public MetricFamily(Collector first)
    {
        Type = first.Type;
        collectors = [first];
        var (name, type) = (first.Name, Type.ToString().ToLowerInvariant());
        textDeclaration = Declaration(name, Escaping.Help(first.Help), type);

        // OpenMetrics demands the suffix of a counter and counts it as no part of the family's name: a counter without
        // it can only be declared as of unknown type.
        if (Type == MetricType.Counter)
        {
            if (name.EndsWith(TotalSuffix, StringComparison.Ordinal)) name = name[..^TotalSuffix.Length];
            else type = "unknown";
        }
        openMetricsDeclaration = Declaration(name, Escaping.Quoted(first.Help), type);
    }

    public MetricType Type { get; }

    public Collector? Find(CollectorIdentity identity) =>
        Array.Find(collectors, collector => collector.Identity.Matches(identity));

    public void Add(Collector collector) => collectors = [.. collectors, collector];

    public async ValueTask WriteAsync(ExpositionWriter writer, CancellationToken cancel)
    {
        writer.Write(writer.Format == ExpositionFormat.OpenMetricsText ? openMetricsDeclaration : textDeclaration);
        foreach (var collector in collectors) await collector.WriteSeriesAsync(writer, cancel).ConfigureAwait(false);
    }

    private static byte[] Declaration(string name, string help, string type) =>
        ExpositionWriter.Utf8.GetBytes($"# HELP {name} {help}\n# TYPE {name} {type}\n");
}
