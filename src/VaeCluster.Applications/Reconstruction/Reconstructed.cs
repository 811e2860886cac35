using VaeCluster.Applications.Similarity;
using VaeCluster.Data.Inputs;

namespace VaeCluster.Applications.Reconstruction;

/// <summary>An image, and how near its reconstruction is.</summary>
public sealed record Reconstructed(ImageOrigin Image, ImageSimilarity Similarity)
{
    /// <summary>Over the images; of each measure over those that have a finite one, so PSNR over those that are not equal.</summary>
    public static ImageSimilarity Mean(IReadOnlyList<Reconstructed> images)
    {
        return new(Of(one => one.SquaredError), Of(one => one.Psnr), Of(one => one.Ssim), Of(one => one.MultiScale));

        double Of(Func<ImageSimilarity, double> value) =>
            images.Select(image => value(image.Similarity)).Where(double.IsFinite).DefaultIfEmpty(double.NaN).Average();
    }
}
