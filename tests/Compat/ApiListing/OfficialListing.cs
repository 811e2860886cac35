using System.Reflection;

namespace Compat.ApiListing;

/// <summary>
/// Holds the rule of the subsets in src/Compat: each type and member that one shows stands, with the same signature, in
/// the listing of the official package. The lines it needs are kept beside the tests, and no others.
/// <para>With VAECLUSTER_API_LISTINGS naming a folder with the full listings, the kept files are first written anew from
/// the full listings of the same names.</para>
/// </summary>
internal static class OfficialListing
{
    /// <param name="assembly">The subset.</param>
    /// <param name="keptFiles">The kept lines, by path from the repository's root; an assembly may stand in for several packages.</param>
    /// <returns>What breaks the rule, a sentence each.</returns>
    public static IReadOnlyList<string> Violations(Assembly assembly, params string[] keptFiles)
    {
        var shown = PublicApi.Of(assembly).ToList();
        var paths = keptFiles.Select(file => Path.Combine(RepositoryRoot(), file)).ToList();
        if (Environment.GetEnvironmentVariable("VAECLUSTER_API_LISTINGS") is { Length: > 0 } folder)
        {
            foreach (var path in paths) Keep(shown, Path.Combine(folder, Path.GetFileName(path)), path);
        }
        return Violations(shown, paths.SelectMany(File.ReadLines));
    }

    internal static IReadOnlyList<string> Violations(IEnumerable<PublicType> shown, IEnumerable<string> officialLines)
    {
        var official = officialLines.Where(line => line.Length > 0).ToHashSet(StringComparer.Ordinal);
        var basesOf = official.Where(IsTypeLine).Select(SplitTypeLine).ToLookup(type => type.Line, type => type.Bases, StringComparer.Ordinal);
        var unused = official.ToHashSet(StringComparer.Ordinal);
        var violations = new List<string>();
        foreach (var type in shown)
        {
            if (!basesOf.Contains(type.Line)) violations.Add($"not in the official listing: {type.Line}");
            var allowed = basesOf[type.Line].SelectMany(bases => bases).ToHashSet(StringComparer.Ordinal);
            foreach (var extra in type.Bases.Where(own => !allowed.Contains(own)))
            {
                violations.Add($"not a base in the official listing: {type.Line} : {extra}");
            }
            unused.RemoveWhere(line => IsTypeLine(line) && SplitTypeLine(line).Line == type.Line);
            foreach (var member in type.Members)
            {
                if (!official.Contains(member.Line) && !member.OverridesObject) violations.Add($"not in the official listing: {member.Line}");
                unused.Remove(member.Line);
            }
        }
        violations.AddRange(unused.Order(StringComparer.Ordinal).Select(line => $"kept, but the subset lacks it: {line}"));
        return violations;
    }

    private static void Keep(IReadOnlyList<PublicType> shown, string fullListing, string keptFile)
    {
        var types = shown.Select(type => type.Line).ToHashSet(StringComparer.Ordinal);
        var members = shown.SelectMany(type => type.Members).Select(member => member.Line).ToHashSet(StringComparer.Ordinal);
        var needed = File.ReadLines(fullListing)
            .Where(line => IsTypeLine(line) ? types.Contains(SplitTypeLine(line).Line) : members.Contains(line));
        File.WriteAllLines(keptFile, needed);
    }

    private static readonly string[] Kinds = ["interface ", "enum ", "struct ", "delegate ", "static class ", "abstract class ", "sealed class ", "class "];

    private static bool IsTypeLine(string line) => Kinds.Any(kind => line.StartsWith(kind, StringComparison.Ordinal));

    private static (string Line, IReadOnlyList<string> Bases) SplitTypeLine(string line)
    {
        var colon = line.IndexOf(" : ", StringComparison.Ordinal);
        return colon < 0 ? (line, []) : (line[..colon], SplitAtTopLevel(line[(colon + 3)..]));
    }

    /// <summary>Splits at the commas that stand outside of angle brackets.</summary>
    private static List<string> SplitAtTopLevel(string names)
    {
        var parts = new List<string>();
        var (depth, start) = (0, 0);
        for (var i = 0; i < names.Length; i++)
        {
            if (names[i] == '<') depth++;
            else if (names[i] == '>') depth--;
            else if (names[i] == ',' && depth == 0)
            {
                parts.Add(names[start..i].Trim());
                start = i + 1;
            }
        }
        parts.Add(names[start..].Trim());
        return parts;
    }

    internal static string RepositoryRoot()
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (File.Exists(Path.Combine(folder.FullName, "VaeCluster.sln"))) return folder.FullName;
        }
        throw new InvalidOperationException($"No folder with VaeCluster.sln above {AppContext.BaseDirectory}.");
    }
}
