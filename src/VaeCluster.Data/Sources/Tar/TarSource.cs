using VaeCluster.Data.Manifests;
using VaeCluster.Data.Splits;

namespace VaeCluster.Data.Sources.Tar;

/// <summary>
/// WebDataset shards: one tar file, or all below a folder. Each image in them is a sample; folders named train, val and
/// test, or shards whose names begin so, make the split.
/// </summary>
internal static class TarSource
{
    public static Manifest List(string path, ManifestWriter writer, ListingReport report, CancellationToken cancellation)
    {
        var folder = File.Exists(path) ? Path.GetDirectoryName(path)! : path;
        if (!File.Exists(path) && !Directory.Exists(path))
            throw new UserErrorException($"data.source: there is no file or folder {DisplayName.Of(path)}. Correct the path behind 'tar:'.");
        var names = File.Exists(path)
            ? [Path.GetFileName(path)]
            : new FolderListing(path, name => Ends(name, ".tar") || IsCompressed(name), report, cancellation).List().ConvertAll(file => file.Path);
        foreach (var name in names.Where(IsCompressed))
            report.Add(name, "a compressed archive can't be entered in the middle: unpack it with gunzip");
        names.RemoveAll(IsCompressed);
        return writer.Shards(names.Select(name => (name, SplitNames.OfPath(name, orFileName: true))),
            name => TarIndex.Of(Path.Combine(folder, name), cancellation));
    }

    private static bool IsCompressed(string name) => Ends(name, ".tar.gz") || Ends(name, ".tgz");

    private static bool Ends(string name, string ending) => name.EndsWith(ending, StringComparison.OrdinalIgnoreCase);
}
