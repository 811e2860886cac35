using VaeCluster.Applications.Likelihoods;
using VaeCluster.Data.Inputs;
using VaeCluster.Data.Splits;

namespace VaeCluster.Applications.Scores;

/// <summary>Normal images that a threshold is taken from.</summary>
public sealed record ScoreReference(string Name, ImageInputs Images) : IDisposable
{
    public void Dispose() => Images.Dispose();
}

/// <summary>What is scored by, and what the threshold is.</summary>
public sealed record ScoreOptions
{
    public ScoreKind By { get; init; } = ScoreKind.Likelihood;

    /// <summary>Of the latent of each image, for the likelihoods.</summary>
    public int Draws { get; init; } = 16;

    /// <summary>The share of the reference's images below the threshold.</summary>
    public double Quantile { get; init; } = 0.95;

    /// <summary>A source of normal images; null takes the validation split of what the model was trained on.</summary>
    public string? Reference { get; init; }

    public int ReferenceLimit { get; init; } = 1000;

    public bool ThresholdFromLabels { get; init; }

    public LabelRule? Labels { get; init; }

    /// <summary>Images that go through the model at once.</summary>
    public required int Batch { get; init; }

    /// <summary>Of the draws.</summary>
    public long Seed { get; init; }

    /// <exception cref="UserErrorException">Every option that is out of its range.</exception>
    public void ThrowIfWrong(AppliedModel model)
    {
        ArgumentNullException.ThrowIfNull(model);
        List<string> mistakes = [];
        if (Draws is < 1 or > 100_000) mistakes.Add($"--samples {Draws}: must be from 1 to 100,000.");
        if (!(Quantile is >= 0 and <= 1)) mistakes.Add($"--quantile {Quantile}: must be from 0 to 1.");
        if (ReferenceLimit < 1) mistakes.Add($"--reference-limit {ReferenceLimit}: must be at least 1.");
        if (ThresholdFromLabels && Labels is null) mistakes.Add("--threshold labels: needs --anomalies or --normal.");
        if (By != ScoreKind.Recon && Likelihood.ReasonForNone(model) is { } reason)
            mistakes.Add($"--by {ScoreReport.NameOf(By)}: {model.Name} {reason}. Give --by recon.");
        if (mistakes.Count > 0) throw new UserErrorException(mistakes);
    }

    /// <summary>Null where the run's own images are not at hand, and no others were named.</summary>
    public ScoreReference? OpenReference(AppliedModel model)
    {
        ArgumentNullException.ThrowIfNull(model);
        if (ThresholdFromLabels) return null;
        if (Reference is { } named) return new(named, model.Images([named], new() { Limit = ReferenceLimit }));
        if (model.RunFolder is null) return null;
        var own = model.Config.Data.Source;
        try
        {
            return new($"{own} (validation)", model.Images([own], new() { Limit = ReferenceLimit, Split = Split.Validation }));
        }
        catch (UserErrorException)
        {
            return null;
        }
    }

    public ScoreReport Run(AppliedModel model, ImageInputs images, ScoreReference? reference, IProgress<long> progress, CancellationToken cancellation)
    {
        using var scorer = new ImageScorer(model, Draws, Seed);
        var done = 0L;
        var (scored, normal) = (Scored(images), reference is null ? null : Scored(reference.Images));
        return new(model, scored, By, Labels, Quantile, ThresholdFromLabels, reference is null ? null : (reference.Name, normal!));

        List<ScoredImage> Scored(ImageInputs inputs)
        {
            var list = new List<ScoredImage>();
            foreach (var one in scorer.Score(inputs, Batch, cancellation))
            {
                list.Add(one);
                if (++done % Batch == 0) progress.Report(done);
            }
            progress.Report(done);
            return list;
        }
    }
}
