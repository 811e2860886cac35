using System.Collections;

namespace VaeCluster.Config.Binding;

/// <summary>
/// The same keys from several places. A higher layer wins key by key; a list is replaced as a whole. Keys that exclude
/// each other (`train.steps` and `train.epochs`) count as one: a layer that sets one of them takes the others away from
/// the layers below it.
/// </summary>
public static class SettingLayers
{
    /// <summary>Environment variables are this, then the key's path with two underscores for each dot.</summary>
    public const string VariablePrefix = "VAECLUSTER__";

    /// <param name="layers">The lowest first.</param>
    /// <param name="alternatives">Groups of paths that exclude each other.</param>
    public static MapSetting Combine(IEnumerable<MapSetting> layers, IReadOnlyList<string[]> alternatives)
    {
        var combined = new MapSetting(new Origin("configuration"));
        foreach (var layer in layers)
        {
            foreach (var group in alternatives)
            {
                if (!group.Any(path => IsSet(layer, path))) continue;
                foreach (var path in group) Remove(combined, path);
            }
            combined = Merge(combined, layer);
        }
        return combined;
    }

    /// <summary>Two keys that mean the same: where only one is set, the other takes its value, and its place for messages.</summary>
    public static void Follow(MapSetting settings, string one, string other)
    {
        if (IsSet(settings, one) == IsSet(settings, other)) return;
        var (from, to) = IsSet(settings, one) ? (one, other) : (other, one);
        var value = settings.Find(from)!;
        var dot = to.LastIndexOf('.');
        if (settings.Find(to[..dot]) is not (null or MapSetting)) return; // a mistake that the binder names
        if (settings.Find(to[..dot]) is not MapSetting section)
            settings.Set(to[..dot], section = new MapSetting(value.Origin), value.Origin);
        section.Set(to[(dot + 1)..], value, value.Origin);
    }

    /// <summary>`key.path=value`, as often as the user likes; the last one for a key counts.</summary>
    public static MapSetting FromSwitches(IEnumerable<string> switches, Mistakes mistakes, string name = "--set")
    {
        var layer = new MapSetting(new Origin(name));
        foreach (var text in switches)
        {
            var equals = text.IndexOf('=');
            var source = $"{name} {Mistake.Shorten(text)}";
            if (equals <= 0)
                mistakes.Add(new Origin(source), "", null, "must be key.path=value, like train.batch=64");
            else
                layer = Place(layer, text[..equals].Trim(), text[(equals + 1)..], source, mistakes);
        }
        return layer;
    }

    /// <summary>VAECLUSTER__TRAIN__BATCH=64 and the like; other variables are not ours.</summary>
    public static MapSetting FromEnvironment(IDictionary variables, Mistakes mistakes, string prefix = VariablePrefix)
    {
        var layer = new MapSetting(new Origin("environment"));
        foreach (var name in variables.Keys.Cast<string>().Order(StringComparer.Ordinal))
        {
            if (!name.StartsWith(prefix, StringComparison.OrdinalIgnoreCase)) continue;
            var path = name[prefix.Length..].ToLowerInvariant().Replace("__", ".");
            layer = Place(layer, path, (string?)variables[name] ?? "", name, mistakes);
        }
        return layer;
    }

    private static MapSetting Place(MapSetting layer, string path, string value, string source, Mistakes mistakes)
    {
        var origin = new Origin(source);
        var keys = path.Split('.');
        if (keys.Any(string.IsNullOrWhiteSpace))
        {
            mistakes.Add(origin, "", null, "names no key; a key is a path with dots, like train.batch");
            return layer;
        }
        var setting = YamlSettings.ReadValue(value, source, mistakes);
        foreach (var key in keys.Reverse())
        {
            var map = new MapSetting(origin);
            map.Set(key, setting, origin);
            setting = map;
        }
        return Merge(layer, (MapSetting)setting);
    }

    private static MapSetting Merge(MapSetting lower, MapSetting upper)
    {
        var merged = new MapSetting(upper.Origin);
        foreach (var (key, entry) in lower.Entries) merged.Set(key, entry.Value, entry.Key);
        foreach (var (key, entry) in upper.Entries)
        {
            var below = lower[key]?.Value as MapSetting;
            switch (entry.Value)
            {
                case MapSetting above when below is not null:
                    merged.Set(key, Merge(below, above), entry.Key);
                    break;
                // `train:` with nothing under it says nothing.
                case ScalarSetting { IsNull: true } when below is not null:
                    break;
                default:
                    merged.Set(key, entry.Value, entry.Key);
                    break;
            }
        }
        return merged;
    }

    private static bool IsSet(MapSetting layer, string path) =>
        layer.Find(path) is not (null or ScalarSetting { IsNull: true });

    private static void Remove(MapSetting layer, string path)
    {
        var dot = path.LastIndexOf('.');
        var parent = dot < 0 ? layer : layer.Find(path[..dot]) as MapSetting;
        parent?.Remove(path[(dot + 1)..]);
    }
}
