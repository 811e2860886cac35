using System.Text;

namespace VaeCluster.Config.Binding;

/// <summary>One thing wrong with what the user wrote: where, which key, which value, which rule.</summary>
public sealed record Mistake(Origin Origin, string Path, string? Value, string Rule)
{
    private const int LongestShown = 60;

    public override string ToString()
    {
        var text = new StringBuilder().Append(Origin).Append(": ");
        if (Path.Length > 0) text.Append(Path);
        if (Value is not null) text.Append(Path.Length > 0 ? " = " : "").Append(Value);
        if (Path.Length > 0 || Value is not null) text.Append(": ");
        return text.Append(Rule).ToString();
    }

    /// <summary>A foreign text for a message: one line, no control characters, not endless.</summary>
    public static string Shorten(string text)
    {
        var clean = string.Concat(text.Take(LongestShown).Select(c => char.IsControl(c) ? '?' : c));
        return text.Length > LongestShown ? clean + "..." : clean;
    }
}

/// <summary>Collects mistakes, so that the user sees all of them at once.</summary>
public sealed class Mistakes
{
    private readonly List<Mistake> _list = [];

    public IReadOnlyList<Mistake> All => _list;

    public bool Any => _list.Count > 0;

    public void Add(Origin origin, string path, string? value, string rule) =>
        _list.Add(new Mistake(origin, path, value, rule));

    /// <summary>By source in order of appearance, then by line.</summary>
    public void ThrowIfAny()
    {
        if (!Any) return;
        var sources = _list.Select(mistake => mistake.Origin.Source).Distinct().ToList();
        throw new UserErrorException(_list
            .OrderBy(mistake => sources.IndexOf(mistake.Origin.Source))
            .ThenBy(mistake => mistake.Origin.Line)
            .Select(mistake => mistake.ToString())
            .Distinct()
            .ToList());
    }
}
