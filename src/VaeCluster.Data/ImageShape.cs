namespace VaeCluster.Data;

/// <summary>The values a model takes for black and white.</summary>
public enum PixelRange
{
    /// <summary>[0, 1]</summary>
    ZeroToOne,

    /// <summary>[-1, 1]</summary>
    MinusOneToOne,
}

/// <summary>What the model takes: [Channels, Size, Size] floats per image.</summary>
/// <param name="Channels">1 (grey) or 3 (RGB).</param>
/// <param name="Size">Pixels per side.</param>
/// <param name="Range">The values of black and white.</param>
public readonly record struct ImageShape(int Channels, int Size, PixelRange Range)
{
    /// <summary>Floats per image.</summary>
    public int Values => Channels * Size * Size;
}
