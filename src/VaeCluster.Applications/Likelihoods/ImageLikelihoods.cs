using System.Runtime.InteropServices;
using VaeCluster.Data.Inputs;
using static TorchSharp.torch;

namespace VaeCluster.Applications.Likelihoods;

/// <summary>What one image costs, in nats.</summary>
/// <param name="Recon">The objective's reconstruction term, averaged over the draws from q(z|x).</param>
/// <param name="Kl">Of q(z|x) from the prior, exact.</param>
/// <param name="NegativeElbo">-E[log p(x|z)] + KL, the expectation over the same draws.</param>
/// <param name="ImportanceWeighted">-log of the mean over k draws of p(x, z) / q(z|x): at most the negative ELBO in expectation, and falling in k.</param>
public readonly record struct ImageLikelihood(double Recon, double Kl, double NegativeElbo, double ImportanceWeighted);

/// <summary>
/// Negative ELBO and importance-weighted likelihood (Burda, Grosse and Salakhutdinov 2016, equation 8) of images. The draws of
/// an image follow from (seed, its index): neither its batch nor the device changes them.
/// </summary>
public sealed class ImageLikelihoods : IDisposable
{
    private readonly AppliedModel model;
    private readonly LatentNoise noises;

    /// <param name="draws">k, at least 1.</param>
    /// <exception cref="UserErrorException">The model has no likelihood, or there are no draws.</exception>
    public ImageLikelihoods(AppliedModel model, int draws, long seed)
    {
        if (draws < 1) throw new UserErrorException($"--samples {draws}: must be at least 1.");
        (this.model, Likelihood, Draws, noises) = (model, new Likelihood(model), draws, new LatentNoise(seed));
    }

    public Likelihood Likelihood { get; }

    /// <summary>k.</summary>
    public int Draws { get; }

    /// <param name="origins">Of the images.</param>
    /// <param name="images">[B, C, H, W] in the model's range.</param>
    /// <param name="mean">Of the model's encoding of them.</param>
    /// <param name="logVariance">Of it as well.</param>
    public IReadOnlyList<ImageLikelihood> Of(IReadOnlyList<ImageOrigin> origins, Tensor images, Tensor mean, Tensor logVariance)
    {
        ArgumentNullException.ThrowIfNull(origins);
        using var guard = no_grad();
        using var scope = NewDisposeScope();
        var deviation = (logVariance * 0.5).exp();
        var logVarianceSum = logVariance.to(ScalarType.Float64).flatten(1).sum(1L); // [B]
        List<Tensor> weights = [], recons = [], logs = [];
        for (var draw = 0; draw < Draws; draw++)
        {
            using var inner = NewDisposeScope();
            var noise = noises.Draw(model.LatentShape, origins.Select(origin => origin.Index), draw).to(model.Device); // [B, latent C, H, W]
            var z = mean + deviation * noise;
            var raw = model.DecodeRaw(z);
            var log = Likelihood.LogProbability(raw, images);
            // log p(z) - log q(z|x): the terms log(2 pi) fall out.
            var prior = (noise.to(ScalarType.Float64).square() - z.to(ScalarType.Float64).square()).flatten(1).sum(1L);
            weights.Add((log + (prior + logVarianceSum) * 0.5).MoveToOuterDisposeScope());
            recons.Add(Likelihood.Reconstruction(model, raw, images).MoveToOuterDisposeScope());
            logs.Add(log.MoveToOuterDisposeScope());
        }
        var (weight, recon, expected) = (Numbers(weights), Numbers(recons), Numbers(logs)); // each [draws][B]
        using var exact = Likelihood.Kl(mean, logVariance).cpu();
        var kl = MemoryMarshal.Cast<byte, double>(exact.bytes).ToArray();
        return [.. origins.Select((_, i) => new ImageLikelihood(
            recon.Average(draw => draw[i]), kl[i], kl[i] - expected.Average(draw => draw[i]), -LogMeanExp(weight, i)))];
    }

    public void Dispose() => noises.Dispose();

    private static List<double[]> Numbers(List<Tensor> draws)
    {
        var numbers = new List<double[]>();
        foreach (var draw in draws)
        {
            using var plain = draw.cpu();
            numbers.Add(MemoryMarshal.Cast<byte, double>(plain.bytes).ToArray());
        }
        return numbers;
    }

    private static double LogMeanExp(List<double[]> weights, int image)
    {
        var greatest = weights.Max(draw => draw[image]);
        return greatest + Math.Log(weights.Sum(draw => Math.Exp(draw[image] - greatest)) / weights.Count);
    }
}
