using System.ComponentModel.DataAnnotations;

namespace VaeCluster.Data.Splits;

/// <summary>Which samples train and which validate.</summary>
public sealed class SplitOptions
{
    public SplitMode By { get; set; } = SplitMode.Auto;

    /// <summary>The share that trains, when split by share; the rest validates.</summary>
    [Range(0.01, 1.0)]
    public double Share { get; set; } = 0.8;

    /// <summary>Draws the share; independent of the run's seed, so that runs with different seeds stay comparable.</summary>
    public ulong Seed { get; set; } = 42;
}
