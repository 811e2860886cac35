using VaeCluster.Data.Images;
using VaeCluster.Data.Sources;

namespace VaeCluster.Data.Shapes;

/// <summary>
/// The generated images as real PNG files, written once per (version, count, size, seed) into a folder of their own, which
/// appears complete or not at all. The bytes are the same on every machine.
/// </summary>
internal static class ShapeFiles
{
    public static string Ensure(SourceSpec source, CancellationToken cancellation)
    {
        var parent = source.Path.Length > 0 ? Path.GetFullPath(source.Path) : UserCache.Folder("shapes");
        var folder = Path.Combine(parent, $"v{ShapeScene.Version}-{source.Count}x{source.Size}-{source.Seed}");
        if (Directory.Exists(folder)) return folder;

        try
        {
            Whole.WriteFolder(folder, temporary => Draw(temporary, source, cancellation));
        }
        catch (IOException) when (Directory.Exists(folder))
        {
            // Another process was first; what it wrote is the same.
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new UserErrorException($"data.source: the shapes can't be written to {DisplayName.Of(folder)} ({error.Message}). "
                + "Name a folder with room: 'shapes:FOLDER'.", error);
        }
        return folder;
    }

    private static void Draw(string folder, SourceSpec source, CancellationToken cancellation)
    {
        for (var first = 0; first < source.Count; first += 1000) Directory.CreateDirectory(Path.Combine(folder, $"{first / 1000:D4}"));
        Parallel.For(0, source.Count, new ParallelOptions { CancellationToken = cancellation },
            () => new byte[3 * source.Size * source.Size],
            (index, _, pixels) =>
            {
                ShapeScene.Draw(source.Seed, index, source.Size, pixels);
                // Stored, not compressed: another version of a compressor would give files of another size.
                File.WriteAllBytes(Path.Combine(folder, $"{index / 1000:D4}", $"{index:D7}.png"),
                    PngEncoder.Encode(source.Size, source.Size, 3, pixels, compress: false));
                return pixels;
            },
            _ => { });
    }
}
