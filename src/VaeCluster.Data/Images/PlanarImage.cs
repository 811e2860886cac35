namespace VaeCluster.Data.Images;

/// <summary>Decoded pixels, [channels, height, width] bytes, in memory that one thread uses again and again.</summary>
internal sealed class PlanarImage
{
    // What is larger is given back after the image that needed it.
    private const int Keep = 64 << 20;
    private byte[] memory = [];

    public int Channels { get; private set; }

    public int Width { get; private set; }

    public int Height { get; private set; }

    public Span<byte> Pixels => memory.AsSpan(0, Channels * Width * Height);

    public void Resize(int channels, int width, int height)
    {
        var needed = checked(channels * width * height);
        if (needed > memory.Length || (memory.Length > Keep && needed <= Keep)) memory = new byte[needed];
        (Channels, Width, Height) = (channels, width, height);
    }
}
