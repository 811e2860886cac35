using System.ComponentModel.DataAnnotations;

namespace VaeCluster.Models.Objectives;

/// <summary>How a reconstruction is held against the image, summed over its pixels.</summary>
public enum Recon
{
    /// <summary>(x - y)^2.</summary>
    Squared,

    /// <summary>|x - y|.</summary>
    L1,

    /// <summary>Binary cross entropy of logits, grey pixels being soft targets; for models with pixels in [0, 1].</summary>
    Bce,
}

/// <summary>Section <c>objective</c>: loss of a sample = recon + beta * KL, each a sum over the sample's numbers.</summary>
public sealed class ObjectiveOptions
{
    public Recon Recon { get; set; } = Recon.Squared;

    /// <summary>Weight of the KL.</summary>
    [Range(0.0, 1e6)]
    public double Beta { get; set; } = 1;

    /// <summary>Steps in which beta rises linearly from 0.</summary>
    [Range(0, long.MaxValue)]
    public long BetaWarmup { get; set; }

    /// <summary>Nats of KL that each latent number of each sample may have for nothing.</summary>
    [Range(0.0, 1e3)]
    public double FreeBits { get; set; }

    /// <summary>Beta in the update that makes step <paramref name="step"/> the next one; 0 for the first.</summary>
    public double BetaAt(long step) => step >= BetaWarmup ? Beta : Beta * step / BetaWarmup;
}
