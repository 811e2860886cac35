using VaeCluster.Applications.Similarity;

namespace VaeCluster.Applications.Augmenting;

/// <summary>How far variations are from their originals.</summary>
/// <param name="Variations">How many were written.</param>
/// <param name="Psnr">Decibels between a variation and its original, from the mean squared error of all.</param>
/// <param name="PsnrOfOthers">Decibels between two different originals, for scale; null where there was one image a batch.</param>
/// <param name="LatentDistance">Euclidean, from the latent's mean; a mean over the variations.</param>
public sealed record AugmentationReport(long Variations, double Psnr, double? PsnrOfOthers, double LatentDistance);

/// <summary>Sums over the variations.</summary>
internal sealed class Distances
{
    private double error, apart, othersError;
    private long count, others;

    /// <param name="errors">Mean squared errors, black 0 and white 1, of variations.</param>
    /// <param name="latentDistances">Of the same.</param>
    /// <param name="otherErrors">Of pairs of different originals.</param>
    public void Add(float[] errors, float[] latentDistances, float[] otherErrors)
    {
        (error, apart, othersError) = (error + Sum(errors), apart + Sum(latentDistances), othersError + Sum(otherErrors));
        (count, others) = (count + errors.Length, others + otherErrors.Length);

        static double Sum(float[] values) => values.Sum(value => (double)value);
    }

    public AugmentationReport Report() => new(count, ImageSimilarity.PsnrOf(error / count), others == 0 ? null : ImageSimilarity.PsnrOf(othersError / others), apart / count);
}
