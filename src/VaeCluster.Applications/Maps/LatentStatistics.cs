using VaeCluster.Models.Objectives;

namespace VaeCluster.Applications.Maps;

/// <summary>
/// What each number of the latent does over many images: how much it says (KL), how far its mean moves, how sure the encoder is.
/// Sums, so that it takes no more memory for more images.
/// </summary>
public sealed class LatentStatistics(int numbers)
{
    private readonly double[] sum = new double[numbers], squares = new double[numbers], kl = new double[numbers], variance = new double[numbers];
    private readonly double[] first = new double[numbers]; // sums are of what lies beyond the first mean, so that they stay small

    /// <summary>Numbers of one latent.</summary>
    public int Numbers => numbers;

    public long Images { get; private set; }

    /// <param name="means">[images, numbers]</param>
    /// <param name="logVariances">The same; empty where the model has none.</param>
    public void Add(ReadOnlySpan<float> means, ReadOnlySpan<float> logVariances)
    {
        for (var at = 0; at < means.Length; at += numbers)
        {
            var mean = means.Slice(at, numbers);
            var isFirst = Images++ == 0;
            for (var i = 0; i < numbers; i++)
            {
                if (isFirst) first[i] = mean[i];
                var beyond = mean[i] - first[i];
                sum[i] += beyond;
                squares[i] += beyond * beyond;
            }
            if (logVariances.IsEmpty) continue;
            var logVariance = logVariances.Slice(at, numbers);
            for (var i = 0; i < numbers; i++)
            {
                var exp = Math.Exp(logVariance[i]);
                variance[i] += exp;
                kl[i] += 0.5 * ((double)mean[i] * mean[i] + exp - 1 - logVariance[i]);
            }
        }
    }

    /// <summary>Nats of KL from N(0, 1), a mean over the images.</summary>
    public double Kl(int number) => kl[number] / Images;

    /// <summary>Var_x(E[z]): how far the mean moves from image to image.</summary>
    public double VarianceOfMean(int number)
    {
        var mean = sum[number] / Images;
        return Math.Max(0, squares[number] / Images - mean * mean);
    }

    /// <summary>E_x(Var[z]): what the encoder leaves open, a mean over the images.</summary>
    public double MeanVariance(int number) => variance[number] / Images;

    /// <summary>Whether the number says anything about the image.</summary>
    public bool IsActive(int number) => ActiveUnits.IsActive(VarianceOfMean(number));

    public int Active => Enumerable.Range(0, numbers).Count(IsActive);

    /// <summary>The numbers that say most first: by KL, or by how far they move where there is none.</summary>
    public IReadOnlyList<int> ByWeight => [.. Enumerable.Range(0, numbers).OrderByDescending(Kl).ThenByDescending(VarianceOfMean)];
}
