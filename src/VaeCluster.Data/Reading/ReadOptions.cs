using System.ComponentModel.DataAnnotations;

namespace VaeCluster.Data.Reading;

/// <summary>How long a read that fails is tried again before its slot is given up.</summary>
public sealed class ReadOptions
{
    [Range(1, 100)]
    public int Attempts { get; set; } = 5;

    /// <summary>Before the second attempt; doubled before each further one.</summary>
    public TimeSpan FirstDelay { get; set; } = TimeSpan.FromMilliseconds(100);
}
