namespace VaeCluster.Models;

/// <summary>What black and white are to a model: the data is brought to this range, and pictures back from it.</summary>
public enum PixelRange
{
    /// <summary>[0, 1].</summary>
    ZeroToOne,

    /// <summary>[-1, 1].</summary>
    MinusOneToOne,
}
