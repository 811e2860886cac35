using VaeCluster.Models.Objectives;
using static TorchSharp.torch;

namespace VaeCluster.Applications.Likelihoods;

/// <summary>
/// log p(x|z) as the objective that a model was trained with means it: minimising recon + beta * KL is maximising the ELBO of
/// a Bernoulli (bce), of a Gaussian with variance beta / 2 (squared) or of a Laplace with scale beta (l1) for each pixel.
/// </summary>
public sealed class Likelihood
{
    private readonly AppliedModel model;
    private readonly ObjectiveOptions objective;

    /// <exception cref="UserErrorException">The model is not variational, or its beta 0: it has no likelihood.</exception>
    public Likelihood(AppliedModel model)
    {
        ArgumentNullException.ThrowIfNull(model);
        (this.model, objective) = (model, model.Objective);
        if (ReasonForNone(model) is { } reason) throw new UserErrorException($"{model.Name}: {reason}.");
    }

    /// <summary>Whether each pixel's values have probabilities, which bits per dimension stand for, and not a density. Grey pixels are soft targets.</summary>
    public bool IsDiscrete => objective.Recon == Recon.Bce;

    /// <summary>What it is, for reports.</summary>
    public string Description => objective.Recon switch
    {
        Recon.Bce => "Bernoulli",
        Recon.Squared => FormattableString.Invariant($"Gaussian, variance {objective.Beta / 2:G4}"),
        _ => FormattableString.Invariant($"Laplace, scale {objective.Beta:G4}"),
    };

    /// <summary>Why a model has none; null where it has one.</summary>
    public static string? ReasonForNone(AppliedModel model)
    {
        ArgumentNullException.ThrowIfNull(model);
        if (!model.Model.Variational) return "is not variational, so that it has no likelihood";
        return model.Objective.Beta > 0 || model.Objective.Recon == Recon.Bce ? null : "has objective.beta 0, so that it has no likelihood";
    }

    /// <summary>The reconstruction term of the objective for each image: [B], in fp64, summed over pixels and channels.</summary>
    /// <param name="raw">What <see cref="AppliedModel.DecodeRaw"/> gave: [B, C, H, W].</param>
    /// <param name="images">[B, C, H, W] in the model's range.</param>
    public static Tensor Reconstruction(AppliedModel model, Tensor raw, Tensor images)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(raw);
        ArgumentNullException.ThrowIfNull(images);
        using var guard = no_grad();
        using var scope = NewDisposeScope();
        raw = raw.to(ScalarType.Float32);
        var each = model.Objective.Recon switch
        {
            // -log(sigmoid(l)^x * (1 - sigmoid(l))^(1 - x)) = max(l, 0) - l x + log(1 + exp(-|l|))
            Recon.Bce => raw.clamp(min: 0) - raw * images + (-raw.abs()).exp().log1p(),
            Recon.L1 => (model.Model.ToPixels(raw) - images).abs(),
            _ => (model.Model.ToPixels(raw) - images).square(),
        };
        return each.flatten(1).to(ScalarType.Float64).sum(1L).MoveToOuterDisposeScope();
    }

    /// <summary>log p(x|z) in nats for each image: [B], in fp64. Densities are over pixels in the model's range.</summary>
    /// <param name="raw">What <see cref="AppliedModel.DecodeRaw"/> gave: [B, C, H, W].</param>
    /// <param name="images">[B, C, H, W] in the model's range.</param>
    public Tensor LogProbability(Tensor raw, Tensor images)
    {
        using var guard = no_grad();
        using var scope = NewDisposeScope();
        var recon = Reconstruction(model, raw, images);
        var pixels = model.InputShape.Elements;
        var log = objective.Recon switch
        {
            Recon.Bce => -recon,
            // N(x; y, beta / 2): -(x - y)^2 / beta - log(pi beta) / 2
            Recon.Squared => -(recon / objective.Beta) - pixels * 0.5 * Math.Log(Math.PI * objective.Beta),
            // Laplace(x; y, beta): -|x - y| / beta - log(2 beta)
            _ => -(recon / objective.Beta) - pixels * Math.Log(2 * objective.Beta),
        };
        return log.MoveToOuterDisposeScope();
    }

    /// <summary>KL of q(z|x) from N(0, I) in nats for each image: [B], in fp64.</summary>
    public static Tensor Kl(Tensor mean, Tensor logVariance)
    {
        using var scope = NewDisposeScope();
        return KlOfEach(mean, logVariance).flatten(1).sum(1L).MoveToOuterDisposeScope();
    }

    /// <summary>The same for each number of the latents: [B, C, H, W], in fp64.</summary>
    public static Tensor KlOfEach(Tensor mean, Tensor logVariance)
    {
        ArgumentNullException.ThrowIfNull(mean);
        ArgumentNullException.ThrowIfNull(logVariance);
        using var guard = no_grad();
        using var scope = NewDisposeScope();
        var (m, v) = (mean.to(ScalarType.Float64), logVariance.to(ScalarType.Float64));
        return ((m.square() + v.exp() - 1 - v) * 0.5).MoveToOuterDisposeScope();
    }
}
