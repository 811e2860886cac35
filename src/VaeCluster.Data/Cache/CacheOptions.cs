using System.ComponentModel.DataAnnotations;

namespace VaeCluster.Data.Cache;

/// <summary>Decoded and resized images on a local disk, for data sets that fit.</summary>
public sealed class CacheOptions
{
    /// <summary>A folder on a local disk, shared by the workers of this machine; null keeps no cache.</summary>
    public string? Folder { get; set; }

    /// <summary>What the folder may hold in all; beyond it images are decoded each time.</summary>
    [Range(0.001, 1_000_000)]
    public double LimitGigabytes { get; set; } = 20;
}
