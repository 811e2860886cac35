using System.Numerics;
using static TorchSharp.torch;

namespace VaeCluster.Models.Objectives;

/// <summary>
/// How many numbers of the latent the model uses: those whose mean varies over the images, Var_x(E[z]) > 0.01 (Burda,
/// Grosse and Salakhutdinov 2016). The others say the same of each image.
/// </summary>
public static class ActiveUnits
{
    private const double Threshold = 0.01;

    /// <summary>
    /// Per number of the latent, the sum over the samples of its mean and of the mean's square: means [B, C, H, W] to
    /// [2, C * H * W], in fp32. Sums of parts add up to the sum of the whole.
    /// </summary>
    public static Tensor Sums(Tensor mean)
    {
        using var guard = no_grad();
        using var scope = NewDisposeScope();
        var flat = mean.detach().to(ScalarType.Float32).flatten(1); // [B, D]
        return stack([flat.sum(0L), flat.square().sum(0L)]).MoveToOuterDisposeScope();
    }

    /// <param name="sums">What <see cref="Sums"/> gave, added up: all sums of means, then all sums of squares.</param>
    /// <param name="samples">Over so many samples.</param>
    public static int Count<T>(ReadOnlySpan<T> sums, long samples) where T : IFloatingPoint<T>
    {
        var count = 0;
        var units = sums.Length / 2;
        for (var i = 0; i < units; i++)
        {
            var mean = double.CreateChecked(sums[i]) / samples;
            if (IsActive(double.CreateChecked(sums[units + i]) / samples - mean * mean)) count++;
        }
        return count;
    }

    /// <param name="variance">Of the number's mean, over the images.</param>
    public static bool IsActive(double variance) => variance > Threshold;
}
