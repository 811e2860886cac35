using static TorchSharp.torch;

namespace VaeCluster.Models.Objectives;

/// <summary>
/// Sums over the samples of a micro-batch, each a tensor without dimensions. All but <see cref="Total"/> are detached.
/// Sums add up: over micro-batches, over slots, over the samples of a validation.
/// </summary>
public sealed record ObjectiveTerms : IDisposable
{
    public required long Samples { get; init; }

    /// <summary>Recon + beta * KL with free bits: what is differentiated, after dividing by the samples of the step.</summary>
    public required Tensor Total { get; init; }

    public required Tensor Recon { get; init; }

    /// <summary>The true KL, without free bits.</summary>
    public required Tensor Kl { get; init; }

    /// <summary>Squared differences of the pixels in the model's range, whatever recon is: for PSNR.</summary>
    public required Tensor SquaredError { get; init; }

    /// <summary>The means [B, latent C, H, W], for <see cref="ActiveUnits"/>.</summary>
    public required Tensor Mean { get; init; }

    /// <summary>What the decoder gave [B, C, H, W], for pictures.</summary>
    public required Tensor Decoded { get; init; }

    /// <summary>Brings the sums to this side: on a GPU, waits for it.</summary>
    public LossSums Read()
    {
        using var scope = NewDisposeScope();
        var sums = stack([Recon, Kl, SquaredError, Total.detach()]).to(ScalarType.Float64).cpu();
        return new(Samples, sums[0].item<double>(), sums[1].item<double>(), sums[2].item<double>(), sums[3].item<double>());
    }

    public void Dispose()
    {
        foreach (var tensor in (Tensor[])[Total, Recon, Kl, SquaredError, Mean, Decoded]) tensor.Dispose();
    }
}
