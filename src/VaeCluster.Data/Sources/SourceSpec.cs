using System.Globalization;

namespace VaeCluster.Data.Sources;

/// <summary>What kinds of data sets can be read.</summary>
public enum SourceKind
{
    Shapes,
    Folder,
    Idx,
    Celeba,
    Tar,
}

/// <summary>A data source as the user wrote it: kind:path, with ?count=&amp;size=&amp;seed= behind shapes.</summary>
/// <param name="Kind">The layout.</param>
/// <param name="Path">As written; empty for shapes means the user's cache folder.</param>
/// <param name="Count">Of generated images.</param>
/// <param name="Size">Of generated images, in pixels.</param>
/// <param name="Seed">Of generated images.</param>
public sealed record SourceSpec(SourceKind Kind, string Path, int Count = 2000, int Size = 32, ulong Seed = 1)
{
    private const string Forms = "shapes:[FOLDER][?count=2000&size=32&seed=1], folder:PATH, idx:PATH, celeba:PATH or tar:PATH";

    public static SourceSpec Parse(string text) =>
        TryParse(text, out var spec, out var mistake) ? spec : throw new UserErrorException($"data.source: {mistake}");

    public static bool TryParse(string text, out SourceSpec spec, out string mistake)
    {
        spec = new SourceSpec(SourceKind.Shapes, "");
        mistake = $"'{text}' is no data source. Write {Forms}.";
        var colon = text.IndexOf(':', StringComparison.Ordinal);
        if (colon < 1 || !Enum.TryParse<SourceKind>(text[..colon], ignoreCase: true, out var kind) || int.TryParse(text[..colon], out _)) return false;
        var rest = text[(colon + 1)..];
        if (kind != SourceKind.Shapes)
        {
            spec = new SourceSpec(kind, rest);
            mistake = rest.Length == 0 ? $"'{text}' names no path. Write {Forms}." : "";
            return rest.Length > 0;
        }
        var question = rest.IndexOf('?', StringComparison.Ordinal);
        spec = spec with { Path = question < 0 ? rest : rest[..question] };
        if (question >= 0)
        {
            foreach (var setting in rest[(question + 1)..].Split('&'))
            {
                var pair = setting.Split('=', 2);
                if (pair.Length != 2 || !ulong.TryParse(pair[1], NumberStyles.None, CultureInfo.InvariantCulture, out var value)) return false;
                switch (pair[0])
                {
                    case "count" when value is >= 1 and <= 10_000_000: spec = spec with { Count = (int)value }; break;
                    case "size" when value is >= 4 and <= 4096: spec = spec with { Size = (int)value }; break;
                    case "seed": spec = spec with { Seed = value }; break;
                    default:
                        mistake = $"'{setting}' in '{text}': shapes take count (1 to 10,000,000), size (4 to 4096 pixels) and seed.";
                        return false;
                }
            }
        }
        mistake = "";
        return true;
    }
}
