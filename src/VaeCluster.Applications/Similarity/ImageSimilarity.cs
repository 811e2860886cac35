using System.Runtime.InteropServices;
using VaeCluster.Models;
using VaeCluster.Models.Objectives;
using static TorchSharp.torch;

namespace VaeCluster.Applications.Similarity;

/// <summary>How near two images are, their pixels in [0, 1].</summary>
/// <param name="SquaredError">Mean over pixels and channels.</param>
/// <param name="Psnr">Decibels; infinite where they are equal.</param>
/// <param name="Ssim">NaN below 11 pixels; see <see cref="StructuralSimilarity"/>.</param>
/// <param name="MultiScale">MS-SSIM over as many scales as the image has; NaN below 11 pixels.</param>
public readonly record struct ImageSimilarity(double SquaredError, double Psnr, double Ssim, double MultiScale)
{
    /// <summary>Pair by pair, on all cores.</summary>
    /// <param name="images">[B, C, H, W] in [0, 1], wherever they are.</param>
    /// <param name="others">Likewise.</param>
    public static IReadOnlyList<ImageSimilarity> Of(Tensor images, Tensor others)
    {
        ArgumentNullException.ThrowIfNull(images);
        var (count, channels, height, width) = ((int)images.shape[0], (int)images.shape[1], (int)images.shape[2], (int)images.shape[3]);
        var (a, b) = (Numbers(images), Numbers(others));
        var each = channels * height * width;
        var results = new ImageSimilarity[count];
        Parallel.For(0, count, i => results[i] = Of(a.AsSpan(i * each, each), b.AsSpan(i * each, each), channels, height, width));
        return results;
    }

    /// <param name="a">[channels, height, width] in [0, 1].</param>
    /// <param name="b">Likewise.</param>
    public static ImageSimilarity Of(ReadOnlySpan<float> a, ReadOnlySpan<float> b, int channels, int height, int width)
    {
        var sum = 0.0;
        for (var i = 0; i < a.Length; i++) sum += ((double)a[i] - b[i]) * ((double)a[i] - b[i]);
        var error = sum / a.Length;
        return new(error, PsnrOf(error),
            StructuralSimilarity.Ssim(a, b, channels, height, width), StructuralSimilarity.MultiScale(a, b, channels, height, width));
    }

    /// <summary>Decibels of a mean squared error of pixels in [0, 1]; infinite for 0.</summary>
    public static double PsnrOf(double squaredError) => LossReport.PsnrOf(squaredError, PixelRange.ZeroToOne);

    private static float[] Numbers(Tensor images)
    {
        using var scope = NewDisposeScope();
        return MemoryMarshal.Cast<byte, float>(images.detach().to(ScalarType.Float32).cpu().contiguous().bytes).ToArray();
    }
}
