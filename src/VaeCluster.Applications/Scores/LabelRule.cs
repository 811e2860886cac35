namespace VaeCluster.Applications.Scores;

/// <summary>Which labels are anomalies: those that are named, or all but those that are named normal.</summary>
public sealed class LabelRule
{
    private readonly HashSet<string> named;
    private readonly bool namesAnomalies;

    private LabelRule(IReadOnlyList<string> labels, bool anomalies) => (named, namesAnomalies) = (new(labels, StringComparer.Ordinal), anomalies);

    /// <summary>Null where neither is given.</summary>
    /// <exception cref="UserErrorException">Both are.</exception>
    public static LabelRule? Of(IReadOnlyList<string> anomalies, IReadOnlyList<string> normal)
    {
        if (anomalies.Count > 0 && normal.Count > 0) throw new UserErrorException("--anomalies and --normal say the same twice: leave one out.");
        return anomalies.Count > 0 ? new(anomalies, true) : normal.Count > 0 ? new(normal, false) : null;
    }

    /// <summary>For each image whether it is an anomaly.</summary>
    /// <exception cref="UserErrorException">An image has no label, or no image has a label that was named.</exception>
    public IReadOnlyList<bool> Apply(IReadOnlyList<ScoredImage> images)
    {
        var labels = images.Select(scored => scored.Image.Label).ToHashSet();
        if (images.FirstOrDefault(scored => scored.Image.Label is null) is { } bare)
            throw new UserErrorException($"{bare.Image.Name}: has no label. Labels are the folders of images, or the file of labels beside an IDX file.");
        var missing = named.Where(label => !labels.Contains(label)).ToList();
        if (missing.Count > 0)
            throw new UserErrorException($"No image has the label {string.Join(", ", missing)}; there are {string.Join(", ", labels.Order(StringComparer.Ordinal).Take(20))}.");
        return [.. images.Select(scored => named.Contains(scored.Image.Label!) == namesAnomalies)];
    }
}
