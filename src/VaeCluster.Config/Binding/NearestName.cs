namespace VaeCluster.Config.Binding;

/// <summary>What a typo was meant to be.</summary>
public static class NearestName
{
    /// <summary>The nearest of the candidates, or null where none is near.</summary>
    public static string? Of(string name, IEnumerable<string> candidates) => candidates
        .Select(candidate => (candidate, distance: Distance(Plain(name), Plain(candidate))))
        .Where(pair => pair.distance <= Math.Max(1, pair.candidate.Length / 3) && pair.distance < pair.candidate.Length)
        .OrderBy(pair => pair.distance)
        .ThenBy(pair => pair.candidate, StringComparer.Ordinal)
        .Select(pair => pair.candidate)
        .FirstOrDefault();

    /// <summary>
    /// The nearest path for a key that its section does not know: first among the section's own keys, then the same name
    /// in another section (`train.lr` is `optimizer.lr`), then something near anywhere.
    /// </summary>
    public static string? OfPath(string path, IReadOnlyCollection<string> paths)
    {
        var section = Section(path);
        var leaf = Leaf(path);
        var siblings = paths.Where(candidate => Section(candidate) == section).ToList();
        if (Of(leaf, siblings.Select(Leaf)) is { } sibling) return siblings.First(candidate => Leaf(candidate) == sibling);
        if (paths.FirstOrDefault(candidate => Plain(Leaf(candidate)) == Plain(leaf)) is { } moved) return moved;
        return Of(leaf, paths.Select(Leaf)) is { } near ? paths.First(candidate => Leaf(candidate) == near) : null;
    }

    private static string Section(string path) => path[..Math.Max(0, path.LastIndexOf('.'))];

    private static string Leaf(string path) => path[(path.LastIndexOf('.') + 1)..];

    // microBatch, micro-batch and micro_batch are one word.
    private static string Plain(string name) =>
        string.Concat(name.Take(100).Where(c => c is not ('_' or '-')).Select(char.ToLowerInvariant));

    /// <summary>Edits from one to the other: insert, delete, replace, swap of neighbours.</summary>
    private static int Distance(string a, string b)
    {
        var d = new int[a.Length + 1, b.Length + 1];
        for (var i = 0; i <= a.Length; i++) d[i, 0] = i;
        for (var j = 0; j <= b.Length; j++) d[0, j] = j;
        for (var i = 1; i <= a.Length; i++)
        {
            for (var j = 1; j <= b.Length; j++)
            {
                var replace = d[i - 1, j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
                d[i, j] = Math.Min(replace, Math.Min(d[i - 1, j], d[i, j - 1]) + 1);
                if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                    d[i, j] = Math.Min(d[i, j], d[i - 2, j - 2] + 1);
            }
        }
        return d[a.Length, b.Length];
    }
}
