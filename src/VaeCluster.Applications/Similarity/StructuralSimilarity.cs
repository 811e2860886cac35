namespace VaeCluster.Applications.Similarity;

/// <summary>
/// SSIM (Wang, Bovik, Sheikh and Simoncelli 2004) and MS-SSIM (Wang, Simoncelli and Bovik 2003) of two images with pixels in
/// [0, 1]: a Gaussian window of 11 pixels and deviation 1.5, K1 0.01, K2 0.03, only windows that lie inside the image; the
/// mean over the channels.
/// </summary>
public static class StructuralSimilarity
{
    /// <summary>Side of the window: smaller images have no value.</summary>
    public const int Window = 11;

    private const double Deviation = 1.5;
    private const double C1 = 0.01 * 0.01;
    private const double C2 = 0.03 * 0.03;

    // From the largest scale to the smallest.
    private static readonly double[] ScaleWeights = [0.0448, 0.2856, 0.3001, 0.2363, 0.1333];

    private static readonly double[] Kernel = Gaussian();

    /// <summary>The scales of MS-SSIM that an image of this size has: 5 from 176 pixels on, 0 where the window does not fit.</summary>
    public static int Scales(int width, int height)
    {
        var scales = 0;
        for (; scales < ScaleWeights.Length && Math.Min(width, height) >= Window; scales++) (width, height) = (width / 2, height / 2);
        return scales;
    }

    /// <param name="a">[channels, height, width] in [0, 1].</param>
    /// <param name="b">Likewise.</param>
    /// <returns>At most 1; NaN where an image is smaller than the window.</returns>
    public static double Ssim(ReadOnlySpan<float> a, ReadOnlySpan<float> b, int channels, int height, int width)
    {
        if (Math.Min(height, width) < Window) return double.NaN;
        var sum = 0.0;
        for (var channel = 0; channel < channels; channel++)
        {
            var (start, plane) = (channel * height * width, height * width);
            sum += Compare(ToDouble(a.Slice(start, plane)), ToDouble(b.Slice(start, plane)), height, width).Ssim;
        }
        return sum / channels;
    }

    /// <summary>
    /// Over as many of the five scales as the image has; with less, their weights are divided by their sum. A scale's negative
    /// contrast counts as 0, so that the powers exist.
    /// </summary>
    /// <inheritdoc cref="Ssim"/>
    public static double MultiScale(ReadOnlySpan<float> a, ReadOnlySpan<float> b, int channels, int height, int width)
    {
        var scales = Scales(width, height);
        if (scales == 0) return double.NaN;
        var whole = ScaleWeights.Take(scales).Sum();
        var sum = 0.0;
        for (var channel = 0; channel < channels; channel++)
        {
            var (start, plane) = (channel * height * width, height * width);
            var (one, other, h, w) = (ToDouble(a.Slice(start, plane)), ToDouble(b.Slice(start, plane)), height, width);
            var product = 1.0;
            for (var scale = 0; scale < scales; scale++)
            {
                if (scale > 0) (one, other, h, w) = (Halve(one, h, w), Halve(other, h, w), h / 2, w / 2);
                var (ssim, contrast) = Compare(one, other, h, w);
                product *= Math.Pow(Math.Max(0, scale == scales - 1 ? ssim : contrast), ScaleWeights[scale] / whole);
            }
            sum += product;
        }
        return sum / channels;
    }

    /// <summary>The means of SSIM and of its contrast and structure alone over all windows.</summary>
    private static (double Ssim, double Contrast) Compare(double[] a, double[] b, int height, int width)
    {
        var (meanA, meanB) = (Filter(a, height, width), Filter(b, height, width));
        var (squareA, squareB, product) = (Filter(Product(a, a), height, width), Filter(Product(b, b), height, width), Filter(Product(a, b), height, width));
        var (ssim, contrast) = (0.0, 0.0);
        for (var i = 0; i < meanA.Length; i++)
        {
            var (mu, nu) = (meanA[i], meanB[i]);
            var (varianceA, varianceB, covariance) = (squareA[i] - mu * mu, squareB[i] - nu * nu, product[i] - mu * nu);
            var structure = (2 * covariance + C2) / (varianceA + varianceB + C2);
            contrast += structure;
            ssim += (2 * mu * nu + C1) / (mu * mu + nu * nu + C1) * structure;
        }
        return (ssim / meanA.Length, contrast / meanA.Length);
    }

    // Rows, then columns; [height, width] to [height - 10, width - 10].
    private static double[] Filter(double[] plane, int height, int width)
    {
        var (h, w) = (height - Window + 1, width - Window + 1);
        var rows = new double[height * w];
        for (var y = 0; y < height; y++)
        {
            for (var x = 0; x < w; x++)
            {
                var sum = 0.0;
                for (var i = 0; i < Window; i++) sum += Kernel[i] * plane[y * width + x + i];
                rows[y * w + x] = sum;
            }
        }
        var result = new double[h * w];
        for (var y = 0; y < h; y++)
        {
            for (var i = 0; i < Window; i++)
            {
                for (var x = 0; x < w; x++) result[y * w + x] += Kernel[i] * rows[(y + i) * w + x];
            }
        }
        return result;
    }

    // Means of two by two; an odd last row or column falls off.
    private static double[] Halve(double[] plane, int height, int width)
    {
        var (h, w) = (height / 2, width / 2);
        var half = new double[h * w];
        for (var y = 0; y < h; y++)
        {
            for (var x = 0; x < w; x++)
            {
                var at = 2 * y * width + 2 * x;
                half[y * w + x] = (plane[at] + plane[at + 1] + plane[at + width] + plane[at + width + 1]) / 4;
            }
        }
        return half;
    }

    private static double[] Product(double[] a, double[] b)
    {
        var product = new double[a.Length];
        for (var i = 0; i < a.Length; i++) product[i] = a[i] * b[i];
        return product;
    }

    private static double[] ToDouble(ReadOnlySpan<float> plane)
    {
        var numbers = new double[plane.Length];
        for (var i = 0; i < plane.Length; i++) numbers[i] = plane[i];
        return numbers;
    }

    private static double[] Gaussian()
    {
        var kernel = Enumerable.Range(0, Window).Select(i => Math.Exp(-Math.Pow(i - Window / 2, 2) / (2 * Deviation * Deviation))).ToArray();
        var sum = kernel.Sum();
        return [.. kernel.Select(value => value / sum)];
    }
}
