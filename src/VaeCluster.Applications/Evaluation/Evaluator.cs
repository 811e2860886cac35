using System.Runtime.InteropServices;
using VaeCluster.Applications.Likelihoods;
using VaeCluster.Applications.Similarity;
using VaeCluster.Data.Inputs;
using VaeCluster.Models.Objectives;
using static TorchSharp.torch;

namespace VaeCluster.Applications.Evaluation;

/// <summary>Every measure of a model over some images, in one pass, with memory for sums alone.</summary>
public static class Evaluator
{
    /// <param name="model">Opened.</param>
    /// <param name="inputs">Opened for the model.</param>
    /// <param name="features">For the Frechet distances; null leaves them out.</param>
    /// <param name="draws">k of the importance-weighted bound.</param>
    /// <param name="seed">Of all draws.</param>
    /// <param name="batch">Images that go through the model at once.</param>
    /// <param name="progress">Images done.</param>
    /// <param name="cancellation">Gives it up.</param>
    public static EvaluationReport Run(AppliedModel model, ImageInputs inputs, FeatureModel? features, int draws, long seed, int batch,
        IProgress<long> progress, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(inputs);
        ArgumentNullException.ThrowIfNull(progress);
        var hasLikelihood = Likelihood.ReasonForNone(model) is null;
        using var likelihoods = hasLikelihood ? new ImageLikelihoods(model, draws, seed) : null;
        using FeatureStatistics real = new(), rebuilt = new(), sampled = new();
        using var noise = new LatentNoise(~seed);
        var (elbo, recon, kl, weighted) = (0.0, 0.0, 0.0, 0.0);
        var (psnr, ssim, multiScale) = (new Mean(), new Mean(), new Mean());
        var units = new double[2 * model.LatentShape.Elements];
        var count = 0L;
        foreach (var some in inputs.Batches(batch, cancellation))
        {
            using var scope = NewDisposeScope();
            var images = model.ToTensor(some);
            var (mean, logVariance) = model.Encode(images);
            // 1. How near reconstructions come, by the mean.
            var raw = model.DecodeRaw(mean);
            var decoded = model.Model.ToPixels(raw);
            var (before, after) = (model.ToUnit(images), model.ToUnit(decoded));
            foreach (var one in ImageSimilarity.Of(before, after))
            {
                psnr.Add(one.Psnr);
                ssim.Add(one.Ssim);
                multiScale.Add(one.MultiScale);
            }
            // 2. How likely the images are.
            if (likelihoods is null)
            {
                recon += Likelihood.Reconstruction(model, raw, images).sum().item<double>();
                if (logVariance is not null) kl += Likelihood.Kl(mean, logVariance).sum().item<double>();
            }
            else
            {
                foreach (var one in likelihoods.Of(some.Images, images, mean, logVariance!))
                    (elbo, recon, kl, weighted) = (elbo + one.NegativeElbo, recon + one.Recon, kl + one.Kl, weighted + one.ImportanceWeighted);
            }
            // 3. What of the latent is used.
            using var sums = ActiveUnits.Sums(mean).cpu();
            foreach (var (unit, value) in MemoryMarshal.Cast<byte, float>(sums.contiguous().bytes).ToArray().Index()) units[unit] += value;
            // 4. Features.
            if (features is not null)
            {
                real.Add(features.Of(before));
                rebuilt.Add(features.Of(after));
                if (model.Model.Variational)
                    sampled.Add(features.Of(model.ToUnit(model.Decode(noise.Draw(model.LatentShape, some.Images.Select(image => image.Index))))));
            }
            progress.Report(count += some.Count);
        }
        if (count == 0) throw new UserErrorException("None of the images decodes: nothing is left to evaluate.");

        var shape = model.InputShape;
        return new()
        {
            Model = model.Name,
            Images = count,
            Likelihood = likelihoods?.Likelihood.Description,
            NegativeElbo = hasLikelihood ? elbo / count : null,
            Recon = recon / count,
            Kl = model.Model.Variational ? kl / count : null,
            ImportanceWeighted = hasLikelihood ? weighted / count : null,
            Draws = hasLikelihood ? draws : null,
            BitsPerDimension = likelihoods?.Likelihood.IsDiscrete == true ? weighted / count / (shape.Elements * Math.Log(2)) : null,
            Psnr = psnr.Value,
            Ssim = ssim.Value,
            MultiScaleSsim = multiScale.Value,
            Scales = StructuralSimilarity.Scales((int)shape.Width, (int)shape.Height),
            ActiveUnits = ActiveUnits.Count<double>(units, count),
            Units = model.LatentShape.Elements,
            Features = features?.Name,
            FrechetOfReconstructions = features is null ? null : real.DistanceTo(rebuilt),
            FrechetOfSamples = features is null || !model.Model.Variational ? null : real.DistanceTo(sampled),
        };
    }

    /// <summary>Of what is finite.</summary>
    private sealed class Mean
    {
        private double sum;
        private long count;

        public double Value => count == 0 ? double.NaN : sum / count;

        public void Add(double value)
        {
            if (!double.IsFinite(value)) return;
            (sum, count) = (sum + value, count + 1);
        }
    }
}
