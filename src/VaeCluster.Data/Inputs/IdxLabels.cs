using System.IO.Compression;

namespace VaeCluster.Data.Inputs;

/// <summary>The labels beside a file of IDX images: t10k-labels-idx1-ubyte for t10k-images-idx3-ubyte, gzipped or not.</summary>
internal static class IdxLabels
{
    private const int Header = 8;
    private const long Most = 1 << 30;

    /// <summary>A byte for each image, or null where there is no such file.</summary>
    public static byte[]? Find(string images)
    {
        var name = Path.GetFileName(images);
        var plain = name.EndsWith(".gz", StringComparison.OrdinalIgnoreCase) ? name[..^3] : name;
        var labels = plain.Replace("images", "labels", StringComparison.Ordinal).Replace("idx3", "idx1", StringComparison.Ordinal);
        if (labels == plain) return null;
        var folder = Path.GetDirectoryName(images)!;
        return new[] { labels, labels + ".gz" }.Select(file => Path.Combine(folder, file)).Where(File.Exists).Select(Read).FirstOrDefault();
    }

    private static byte[]? Read(string path)
    {
        using var file = File.OpenRead(path);
        using var content = path.EndsWith(".gz", StringComparison.OrdinalIgnoreCase) ? new GZipStream(file, CompressionMode.Decompress) : (Stream)file;
        var header = new byte[Header];
        if (content.ReadAtLeast(header, Header, throwOnEndOfStream: false) < Header || header[2] != 0x08 || header[3] != 1) return null;
        var count = System.Buffers.Binary.BinaryPrimitives.ReadUInt32BigEndian(header.AsSpan(4));
        if (count > Most) return null;
        var labels = new byte[count];
        return content.ReadAtLeast(labels, labels.Length, throwOnEndOfStream: false) == labels.Length ? labels : null;
    }
}
