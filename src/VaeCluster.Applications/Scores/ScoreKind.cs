namespace VaeCluster.Applications.Scores;

/// <summary>How an image's strangeness is measured; each is higher for stranger images.</summary>
public enum ScoreKind
{
    /// <summary>Mean squared error of the reconstruction from the latent's mean, black 0 and white 1.</summary>
    Recon,

    /// <summary>-ELBO in nats.</summary>
    Elbo,

    /// <summary>The importance-weighted negative log likelihood in nats.</summary>
    Likelihood,

    /// <summary>-ELBO in bits, less the image's compressed bits (<see cref="ImageComplexity"/>).</summary>
    ElboCorrected,

    /// <summary>The importance-weighted negative log likelihood in bits, less the image's compressed bits.</summary>
    LikelihoodCorrected,
}

/// <summary>What there is of the scores of an image.</summary>
/// <param name="Recon">Mean squared error, black 0 and white 1.</param>
/// <param name="Elbo">-ELBO in nats; null where the model is not variational.</param>
/// <param name="Likelihood">Nats; null where the model is not variational.</param>
/// <param name="ComplexityBits">See <see cref="ImageComplexity"/>.</param>
/// <param name="LevelBits">What turns a density of pixels into the probability of their levels; 0 where it is one.</param>
public readonly record struct ImageScores(double Recon, double? Elbo, double? Likelihood, double ComplexityBits, double LevelBits = 0)
{
    /// <summary>NaN where the model has no such score.</summary>
    public double this[ScoreKind kind] => kind switch
    {
        ScoreKind.Recon => Recon,
        ScoreKind.Elbo => Elbo ?? double.NaN,
        ScoreKind.Likelihood => Likelihood ?? double.NaN,
        ScoreKind.ElboCorrected => Corrected(Elbo),
        _ => Corrected(Likelihood),
    };

    private double Corrected(double? nats) => nats is { } value ? value / Math.Log(2) + LevelBits - ComplexityBits : double.NaN;
}
