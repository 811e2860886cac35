using static TorchSharp.torch;

namespace VaeCluster.Models.Objectives;

/// <summary>
/// The loss of every preset: sum over samples of [recon + beta * KL]. One normalisation for all, so that the optimum depends
/// neither on the batch nor on how it is cut: the caller divides by the samples of the whole step.
/// </summary>
public sealed class Objective
{
    private readonly ImageAutoencoder _model;
    private readonly ObjectiveOptions _options;

    /// <exception cref="UserErrorException">The model's images don't go with this recon.</exception>
    public Objective(ImageAutoencoder model, ObjectiveOptions options)
    {
        (_model, _options) = (model, options);
        if (options.Recon == Recon.Bce && !model.DecodesToLogits)
            throw new UserErrorException(
                "objective.recon: bce needs a model that gives logits of pixels in [0, 1], like preset mnist; take squared or l1");
    }

    /// <summary>Forward and loss of a micro-batch.</summary>
    /// <param name="images">[B, C, H, W] in the model's range.</param>
    /// <param name="noise">[B, latent C, H, W] from N(0, I); null uses the mean in place of a sample.</param>
    /// <param name="beta">See <see cref="ObjectiveOptions.BetaAt"/>.</param>
    public ObjectiveTerms Evaluate(Tensor images, Tensor? noise, double beta)
    {
        using var scope = NewDisposeScope();
        var (mean, logVariance) = _model.Encode(images);
        var decoded = _model.Decode(ImageAutoencoder.Sample(mean, noise is null ? null : logVariance, noise));

        // The sums are fp32 whatever forward computed in.
        var output = decoded.to(ScalarType.Float32);
        var recon = ReconSum(output, images);
        var (kl, charged) = KlSums(mean, logVariance);
        var total = charged is null ? recon : recon + charged * beta;

        return new ObjectiveTerms
        {
            Samples = images.shape[0],
            Total = Keep(total),
            Recon = Keep(recon.detach()),
            Kl = Keep(kl.detach()),
            SquaredError = Keep(_options.Recon == Recon.Squared ? recon.detach() : SquaredErrorSum(output, images)),
            Mean = Keep(mean.detach()),
            Decoded = Keep(decoded.detach()),
        };

        static Tensor Keep(Tensor tensor) => tensor.MoveToOuterDisposeScope();
    }

    private Tensor ReconSum(Tensor decoded, Tensor images) => _options.Recon switch
    {
        Recon.Bce => nn.functional.binary_cross_entropy_with_logits(decoded, images, reduction: nn.Reduction.Sum),
        Recon.L1 => nn.functional.l1_loss(_model.ToPixels(decoded), images, nn.Reduction.Sum),
        _ => nn.functional.mse_loss(_model.ToPixels(decoded), images, nn.Reduction.Sum),
    };

    /// <summary>KL of N(mean, exp(logvar)) from N(0, I): the sum, and the sum that is charged (null for none).</summary>
    private (Tensor Kl, Tensor? Charged) KlSums(Tensor mean, Tensor? logVariance)
    {
        if (logVariance is null) return (zeros(1, device: mean.device).squeeze(), null);
        mean = mean.to(ScalarType.Float32);
        logVariance = logVariance.to(ScalarType.Float32);
        var each = (mean.square() + logVariance.exp() - 1 - logVariance) * 0.5; // [B, latent C, H, W]
        var kl = each.sum();
        return (kl, _options.FreeBits > 0 ? each.clamp(min: _options.FreeBits).sum() : kl);
    }

    private Tensor SquaredErrorSum(Tensor decoded, Tensor images)
    {
        using var guard = no_grad();
        return nn.functional.mse_loss(_model.ToPixels(decoded), images, nn.Reduction.Sum);
    }
}
