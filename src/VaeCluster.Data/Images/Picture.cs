namespace VaeCluster.Data.Images;

/// <summary>An image to be looked at: [Height, Width, Channels] bytes, 1 channel (grey) or 3 (RGB).</summary>
public sealed record Picture(int Width, int Height, int Channels, byte[] Pixels)
{
    /// <summary>As PNG, by temporary name.</summary>
    public void Save(string path) => ImageWriter.WritePng(path, Width, Height, Channels, Pixels);

    /// <summary>The bytes of a PNG file.</summary>
    public byte[] Encode() => PngEncoder.Encode(Width, Height, Channels, Pixels);
}
