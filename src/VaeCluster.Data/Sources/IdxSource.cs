using VaeCluster.Data.Manifests;
using VaeCluster.Data.Splits;

namespace VaeCluster.Data.Sources;

/// <summary>
/// Files of the MNIST family, gzipped or not: a folder with train-images..., t10k-images... and their labels (which are not
/// read), or one file. A train file beside a t10k or test file makes the split.
/// </summary>
internal static class IdxSource
{
    public static Manifest List(string path, ManifestWriter writer, ListingReport report)
    {
        if (File.Exists(path)) return writer.Records([(IdxHeader.Read(path, Path.GetFileName(path)), null)]);
        if (!Directory.Exists(path)) throw new UserErrorException($"data.source: there is no file or folder {DisplayName.Of(path)}. Correct the path behind 'idx:'.");

        var files = new SortedDictionary<string, string>(StringComparer.Ordinal);
        foreach (var file in Directory.EnumerateFiles(path).Order(StringComparer.Ordinal))
        {
            var name = Path.GetFileName(file);
            if (!name.Contains("images", StringComparison.OrdinalIgnoreCase) || !name.Contains("idx", StringComparison.OrdinalIgnoreCase))
            {
                report.OtherFiles++;
                continue;
            }
            // The same file twice, packed and not: the one that need not be unpacked.
            var plain = name.EndsWith(".gz", StringComparison.OrdinalIgnoreCase) ? name[..^3] : name;
            if (!files.TryAdd(plain, file)) report.Add(name, $"{Path.GetFileName(files[plain])} is the same unpacked");
        }
        if (files.Count == 0)
        {
            throw new UserErrorException($"data.source: {DisplayName.Of(path)} has no IDX files of images (such as train-images-idx3-ubyte or "
                + "train-images-idx3-ubyte.gz). Correct the path behind 'idx:'.");
        }
        return writer.Records([.. files.Values.Select(file => (IdxHeader.Read(file, Path.GetFileName(file)), SplitOf(Path.GetFileName(file))))]);
    }

    private static Split? SplitOf(string name) =>
        name.StartsWith("t10k", StringComparison.OrdinalIgnoreCase) ? Split.Test : SplitNames.Of(name);
}
