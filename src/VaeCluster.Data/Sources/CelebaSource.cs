using VaeCluster.Data.Manifests;
using VaeCluster.Data.Splits;

namespace VaeCluster.Data.Sources;

/// <summary>
/// CelebA as it is distributed: a folder of images beside list_eval_partition, as .csv (with a header) or .txt, that gives
/// each image 0 (train), 1 (validation) or 2 (test).
/// </summary>
internal static class CelebaSource
{
    private const int Quoted = 5;
    private static readonly string[] PartitionFiles =
        ["list_eval_partition.csv", "list_eval_partition.txt", "Eval/list_eval_partition.txt"];

    private static readonly string[] ImageFolders =
        ["img_align_celeba/img_align_celeba", "img_align_celeba", "Img/img_align_celeba", "images", ""];

    public static Manifest List(string path, ManifestWriter writer, ListingReport report, CancellationToken cancellation)
    {
        var file = PartitionFiles.Select(name => Path.Combine(path, name)).FirstOrDefault(File.Exists)
            ?? throw new UserErrorException($"data.source: {DisplayName.Of(path)} has no list_eval_partition.csv or .txt. Name the folder of CelebA that holds it.");
        var partition = Read(file);
        if (partition.Count == 0) throw new UserErrorException($"{DisplayName.Of(file)} lists no images. Download it again.");

        var folder = ImageFolders.FirstOrDefault(name => File.Exists(Path.Combine(path, name, partition.Keys.First())))
            ?? throw new UserErrorException($"data.source: {partition.Keys.First()}, which {DisplayName.Of(file)} lists first, is in none of the folders "
                + $"{string.Join(", ", ImageFolders.Where(name => name.Length > 0))} of {DisplayName.Of(path)}. Unpack the images there.");
        var images = Path.Combine(path, folder);
        var there = new FolderListing(images, name => ImageExtensions.Has(name), report, cancellation).List().ToDictionary(image => image.Path, image => image.Size, StringComparer.Ordinal);

        var missing = partition.Keys.Where(name => !there.ContainsKey(name)).ToList();
        if (missing.Count > 0)
        {
            throw new UserErrorException($"{missing.Count:N0} images that {DisplayName.Of(file)} lists are not in {DisplayName.Of(images)}: "
                + $"{string.Join(", ", missing.Take(Quoted).Select(DisplayName.Of))}{(missing.Count > Quoted ? " ..." : "")}. Unpack all of them.");
        }
        foreach (var name in there.Keys.Where(name => !partition.ContainsKey(name))) report.Add(name, "the partition file does not list it");
        var prefix = folder.Length > 0 ? $"{folder}/" : "";
        return writer.Files([.. partition.Select(entry => ($"{prefix}{entry.Key}", there[entry.Key], (Split?)entry.Value))]);
    }

    private static Dictionary<string, Split> Read(string path)
    {
        var partition = new Dictionary<string, Split>(StringComparer.Ordinal);
        var number = 0;
        foreach (var line in File.ReadLines(path))
        {
            number++;
            if (string.IsNullOrWhiteSpace(line)) continue;
            var words = line.Split([',', ' ', '\t'], StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
            if (number == 1 && !int.TryParse(words[^1], out _)) continue;
            if (words.Length != 2 || words[1] is not ("0" or "1" or "2"))
                throw new UserErrorException($"{DisplayName.Of(path)}, line {number}: '{DisplayName.Of(line)}' is not an image and 0, 1 or 2. Download the file again.");
            partition[words[0]] = (Split)(words[1][0] - '0');
        }
        return partition;
    }
}
