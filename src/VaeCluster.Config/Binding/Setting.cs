namespace VaeCluster.Config.Binding;

/// <summary>Where a value was written: a file and its line, a switch, an environment variable, a preset.</summary>
public sealed record Origin(string Source, int Line = 0)
{
    public override string ToString() => Line > 0 ? $"{Source}:{Line}" : Source;
}

/// <summary>A value as the user wrote it, not yet typed, with the place it was written at.</summary>
public abstract class Setting(Origin origin)
{
    public Origin Origin { get; } = origin;

    /// <summary>The value for a message: short, on one line.</summary>
    public abstract string Shown { get; }
}

/// <summary>One value, without its quotes. Quoted text is never null, whatever it says.</summary>
public sealed class ScalarSetting(string text, bool quoted, Origin origin) : Setting(origin)
{
    public string Text { get; } = text;

    public bool IsNull { get; } = !quoted && text is "" or "~" or "null" or "Null" or "NULL";

    public override string Shown => IsNull ? "(empty)" : Mistake.Shorten(Text);
}

public sealed class ListSetting(IReadOnlyList<Setting> items, Origin origin) : Setting(origin)
{
    public IReadOnlyList<Setting> Items { get; } = items;

    public override string Shown => Mistake.Shorten($"[{string.Join(", ", Items.Take(8).Select(item => item.Shown))}]");
}

/// <summary>Keys with their values, in the order written.</summary>
public sealed class MapSetting(Origin origin) : Setting(origin)
{
    private readonly OrderedDictionary<string, Entry> _entries = new(StringComparer.Ordinal);

    /// <summary>A value, and where its key stands.</summary>
    public sealed record Entry(Setting Value, Origin Key);

    public IReadOnlyDictionary<string, Entry> Entries => _entries;

    public override string Shown => "a section";

    public Entry? this[string key] => _entries.GetValueOrDefault(key);

    public void Set(string key, Setting value, Origin keyOrigin) => _entries[key] = new Entry(value, keyOrigin);

    public bool Remove(string key) => _entries.Remove(key);

    /// <summary>The value at a dotted path, or null.</summary>
    public Setting? Find(string path)
    {
        Setting? at = this;
        foreach (var key in path.Split('.'))
        {
            if (at is not MapSetting map || map[key] is not { } entry) return null;
            at = entry.Value;
        }
        return at;
    }
}
