using System.Formats.Tar;
using VaeCluster.Data.Images;

namespace VaeCluster.Data.Tests.Sources;

/// <summary>Shards as other programs write them: by .NET's tar writer, with labels beside the images.</summary>
internal static class TarFiles
{
    /// <summary>One flat grey image per value, and a label for each.</summary>
    public static void Write(string path, IEnumerable<int> values, TarEntryFormat format = TarEntryFormat.Pax, string prefix = "")
    {
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        using var tar = new TarWriter(File.Create(path), format);
        foreach (var value in values)
        {
            Add(tar, format, $"{prefix}{value:D4}.png", Flat(value));
            Add(tar, format, $"{prefix}{value:D4}.cls", [(byte)'1']);
        }
    }

    public static byte[] Flat(int value) => PngEncoder.Encode(8, 8, 1, [.. Enumerable.Repeat((byte)value, 64)]);

    private static void Add(TarWriter tar, TarEntryFormat format, string name, byte[] bytes)
    {
        TarEntry entry = format switch
        {
            TarEntryFormat.Ustar => new UstarTarEntry(TarEntryType.RegularFile, name),
            TarEntryFormat.Gnu => new GnuTarEntry(TarEntryType.RegularFile, name),
            TarEntryFormat.V7 => new V7TarEntry(TarEntryType.V7RegularFile, name),
            _ => new PaxTarEntry(TarEntryType.RegularFile, name),
        };
        entry.DataStream = new MemoryStream(bytes);
        tar.WriteEntry(entry);
    }
}
