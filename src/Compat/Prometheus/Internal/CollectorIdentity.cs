using System.Text;
using System.Text.RegularExpressions;

namespace Prometheus;

/// <summary>Name, label names and constant labels: two registrations with the same three are the same metric.</summary>
internal sealed partial class CollectorIdentity
{
    public CollectorIdentity(string name, IEnumerable<string> labelNames, IReadOnlyList<KeyValuePair<string, string>> staticLabels)
    {
        ArgumentNullException.ThrowIfNull(name);
        if (!MetricName().IsMatch(name))
        {
            throw new ArgumentException($"Metric name '{name}' is not valid: letters, digits, _ and :, not beginning with a digit.", nameof(name));
        }
        Name = name;
        LabelNames = [.. labelNames];
        StaticLabels = staticLabels;

        foreach (var label in LabelNames) CheckLabelName(label);
        var duplicate = LabelNames.Concat(staticLabels.Select(label => label.Key)).GroupBy(label => label)
            .FirstOrDefault(group => group.Count() > 1);
        if (duplicate is not null)
        {
            throw new InvalidOperationException($"{name}: the label '{duplicate.Key}' is given twice.");
        }
    }

    public string Name { get; }
    public string[] LabelNames { get; }
    public IReadOnlyList<KeyValuePair<string, string>> StaticLabels { get; }

    public bool Matches(CollectorIdentity other) =>
        Name == other.Name && LabelNames.SequenceEqual(other.LabelNames) && StaticLabels.SequenceEqual(other.StaticLabels);

    /// <summary>The labels of a series as they are exported: its own first, the constant ones after them.</summary>
    public byte[] EncodeLabels(ReadOnlySpan<string> values)
    {
        var text = new StringBuilder();
        for (var i = 0; i < values.Length; i++) Append(LabelNames[i], values[i]);
        foreach (var (name, value) in StaticLabels) Append(name, value);
        return ExpositionWriter.Utf8.GetBytes(text.ToString());

        void Append(string name, string value) =>
            text.Append(text.Length > 0 ? "," : "").Append(name).Append("=\"").Append(Escaping.Quoted(value)).Append('"');
    }

    public static void CheckLabelName(string label)
    {
        if (label is null || !LabelName().IsMatch(label))
        {
            throw new ArgumentException($"Label name '{label}' is not valid: letters, digits and _, not beginning with a digit.", nameof(label));
        }
        if (label.StartsWith("__", StringComparison.Ordinal))
        {
            throw new ArgumentException($"Label name '{label}' is not valid: names that begin with __ are Prometheus' own.", nameof(label));
        }
    }

    [GeneratedRegex(@"^[a-zA-Z_:][a-zA-Z0-9_:]*\z")]
    private static partial Regex MetricName();

    [GeneratedRegex(@"^[a-zA-Z_][a-zA-Z0-9_]*\z")]
    private static partial Regex LabelName();
}
