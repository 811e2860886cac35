namespace VaeCluster.Models;

/// <summary>Channels, height and width of one image or one latent; a batch of them is [B, C, H, W].</summary>
public readonly record struct SampleShape(long Channels, long Height, long Width)
{
    /// <summary>Numbers in one sample.</summary>
    public long Elements => Channels * Height * Width;

    /// <summary>The shape of a batch: [samples, C, H, W].</summary>
    public long[] Batch(long samples) => [samples, Channels, Height, Width];

    public override string ToString() => $"{Channels}x{Height}x{Width}";
}
