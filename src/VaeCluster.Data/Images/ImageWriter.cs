namespace VaeCluster.Data.Images;

/// <summary>Pictures of the run.</summary>
public static class ImageWriter
{
    /// <summary>Writes [height, width, channels] bytes, 1 or 3 channels; atomically, by temporary name.</summary>
    public static void WritePng(string path, int width, int height, int channels, ReadOnlySpan<byte> pixels) =>
        Write(path, PngEncoder.Encode(width, height, channels, pixels));

    internal static void Write(string path, byte[] bytes)
    {
        var full = Path.GetFullPath(path);
        Directory.CreateDirectory(Path.GetDirectoryName(full)!);
        Whole.WriteFile(full, temporary => File.WriteAllBytes(temporary, bytes));
    }
}
