using System.Buffers.Binary;
using System.IO.Compression;

namespace VaeCluster.Tests;

/// <summary>MNIST in memory, and some of it as IDX files of its own.</summary>
internal sealed class DigitFiles
{
    private const int Side = 28, Pixels = Side * Side;

    private DigitFiles(byte[] images, byte[] labels) => (Images, Labels) = (images, labels);

    /// <summary>[N, 28, 28].</summary>
    public byte[] Images { get; }

    public byte[] Labels { get; }

    public int Count => Labels.Length;

    /// <param name="folder">With the four files.</param>
    /// <param name="kind">train or t10k.</param>
    public static DigitFiles Read(string folder, string kind) => new(
        Unpack(Path.Combine(folder, $"{kind}-images-idx3-ubyte.gz"))[16..], Unpack(Path.Combine(folder, $"{kind}-labels-idx1-ubyte.gz"))[8..]);

    public ReadOnlySpan<byte> this[int index] => Images.AsSpan(index * Pixels, Pixels);

    /// <summary>The first so many of those that are wanted, as KIND-images-idx3-ubyte and its labels.</summary>
    public void Write(string folder, string kind, Func<byte, bool> wanted, int most)
    {
        Directory.CreateDirectory(folder);
        var chosen = Enumerable.Range(0, Count).Where(index => wanted(Labels[index])).Take(most).ToList();
        using var images = File.Create(Path.Combine(folder, $"{kind}-images-idx3-ubyte"));
        using var labels = File.Create(Path.Combine(folder, $"{kind}-labels-idx1-ubyte"));
        images.Write(Header(0x0803, chosen.Count, Side, Side));
        labels.Write(Header(0x0801, chosen.Count));
        foreach (var index in chosen)
        {
            images.Write(this[index]);
            labels.WriteByte(Labels[index]);
        }
    }

    private static byte[] Header(params int[] numbers)
    {
        var bytes = new byte[4 * numbers.Length];
        foreach (var (at, number) in numbers.Index()) BinaryPrimitives.WriteInt32BigEndian(bytes.AsSpan(4 * at), number);
        return bytes;
    }

    private static byte[] Unpack(string path)
    {
        using var content = new MemoryStream();
        using (var file = new GZipStream(File.OpenRead(path), CompressionMode.Decompress)) file.CopyTo(content);
        return content.ToArray();
    }
}
