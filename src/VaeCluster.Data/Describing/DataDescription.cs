using VaeCluster.Data.Images;

namespace VaeCluster.Data.Describing;

/// <summary>What is in a data set, from its bytes.</summary>
/// <param name="Source">As the user wrote it.</param>
/// <param name="ManifestId">The content hash.</param>
/// <param name="ManifestBytes">Size of the manifest.</param>
/// <param name="Train">Samples.</param>
/// <param name="Validation">Samples.</param>
/// <param name="Test">Samples.</param>
/// <param name="Measured">Samples that were looked at: all of them, unless fewer were asked for.</param>
/// <param name="Bytes">Of the samples that were looked at.</param>
/// <param name="Formats">How many are of each format, by content; pixels without a format count as unknown.</param>
/// <param name="Width">Of those that decode, upright.</param>
/// <param name="Height">Of those that decode, upright.</param>
/// <param name="Broken">Those that do not decode.</param>
/// <param name="Unreadable">Those whose bytes could not be read.</param>
/// <param name="Shape">To which they were brought for mean and deviation.</param>
/// <param name="Mean">Of each channel, in [0, 1].</param>
/// <param name="Deviation">Of each channel, in [0, 1].</param>
public sealed record DataDescription(
    string Source, string ManifestId, long ManifestBytes, long Train, long Validation, long Test,
    long Measured, long Bytes, IReadOnlyDictionary<ImageFormat, long> Formats, Spread Width, Spread Height,
    IReadOnlyList<BadImage> Broken, IReadOnlyList<BadImage> Unreadable, ImageShape Shape,
    IReadOnlyList<double> Mean, IReadOnlyList<double> Deviation);

/// <summary>An image that can't be used.</summary>
/// <param name="Sample">Its index in the manifest.</param>
/// <param name="Name">The file, as messages show it.</param>
/// <param name="Reason">Why.</param>
public sealed record BadImage(long Sample, string Name, string Reason);

/// <summary>Smallest, middle and largest of a set of pixel counts.</summary>
public readonly record struct Spread(int Smallest, int Median, int Largest)
{
    internal static Spread Of(SortedDictionary<int, long> counts)
    {
        if (counts.Count == 0) return default;
        var half = (counts.Values.Sum() + 1) / 2;
        var middle = counts.First(pair => (half -= pair.Value) <= 0).Key;
        return new Spread(counts.Keys.First(), middle, counts.Keys.Last());
    }

    public override string ToString() => Smallest == Largest ? $"{Smallest}" : $"{Smallest} to {Largest}, median {Median}";
}
