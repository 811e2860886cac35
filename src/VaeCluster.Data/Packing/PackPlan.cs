using VaeCluster.Data.Manifests;
using VaeCluster.Data.Splits;

namespace VaeCluster.Data.Packing;

/// <summary>A shard to be: consecutive samples of a split.</summary>
/// <param name="Name">train-000000 and so on.</param>
/// <param name="Split">Of all its samples.</param>
/// <param name="First">Index of its first sample in the split.</param>
/// <param name="Count">Samples.</param>
internal sealed record PackedShard(string Name, Split Split, long First, long Count);

/// <summary>
/// Which samples go into which shard: a function of the manifest and the shard size alone, so that packing can be
/// resumed at any shard.
/// </summary>
internal static class PackPlan
{
    public static IEnumerable<PackedShard> Of(Manifest manifest, long shardBytes)
    {
        foreach (var (split, name) in ((Split, string)[])[(Split.Train, "train"), (Split.Validation, "val"), (Split.Test, "test")])
        {
            var (number, first, bytes, count) = (0, 0L, 0L, manifest.Count(split));
            for (var index = 0L; index < count; index++)
            {
                bytes += manifest[manifest.SampleOf(split, index)].Size;
                if (bytes < shardBytes && index + 1 < count) continue;
                yield return new PackedShard($"{name}-{number++:D6}", split, first, index + 1 - first);
                (first, bytes) = (index + 1, 0);
            }
        }
    }
}
