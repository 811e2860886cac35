using System.Globalization;
using System.Text;
using VaeCluster.Data.Inputs;

namespace VaeCluster.Applications.Latents;

/// <summary>Which image each row of a file of latents is of: row, name, path, label, as CSV (RFC 4180).</summary>
internal static class LatentIndex
{
    private const string Header = "row,name,path,label";

    /// <summary>latents.safetensors has latents.index.csv.</summary>
    public static string PathOf(string latents) => Path.ChangeExtension(latents, ".index.csv");

    public static string Line(long row, ImageOrigin image) => string.Create(CultureInfo.InvariantCulture, $"{row},{Csv.Cell(image.Name)},{Csv.Cell(image.Path)},{Csv.Cell(image.Label)}");

    public static void Write(string path, IEnumerable<string> lines)
    {
        using var writer = new StreamWriter(path, append: false, new UTF8Encoding(false)) { NewLine = "\n" };
        writer.WriteLine(Header);
        foreach (var line in lines) writer.WriteLine(line);
    }

    /// <exception cref="UserErrorException">There is an index, and it is of another file.</exception>
    public static IReadOnlyList<ImageOrigin> Read(string latents, long rows)
    {
        var path = PathOf(latents);
        if (!File.Exists(path)) return [.. Enumerable.Range(0, (int)rows).Select(row => new ImageOrigin(row, $"row {row}", $"{row:D6}", null))];
        var lines = File.ReadAllLines(path);
        if (lines.Length != rows + 1 || lines[0] != Header)
            throw new UserErrorException($"{path}: is not the index of {latents}, which has {rows} rows. Remove it, or put the right one there.");
        return [.. lines.Skip(1).Select((line, row) => Parse(line, row) ?? throw new UserErrorException($"{path}:{row + 2}: is no row of an index. Remove the file, or put the right one there."))];
    }

    private static ImageOrigin? Parse(string line, long row) =>
        Csv.Cells(line) is [_, var name, var path, var label] ? new(row, name, path, label.Length == 0 ? null : label) : null;
}
