using System.Text.Json.Nodes;
using VaeCluster.Applications.Sheets;

namespace VaeCluster.Applications.Evaluation;

/// <summary>How good a model is on some images. Means over the images, in nats where nothing else is said; null for what the model has not.</summary>
public sealed record EvaluationReport
{
    public required string Model { get; init; }

    public required long Images { get; init; }

    /// <summary>What p(x|z) is.</summary>
    public string? Likelihood { get; init; }

    /// <summary>The bound on -log p(x): -E[log p(x|z)] + KL, with beta 1.</summary>
    public double? NegativeElbo { get; init; }

    /// <summary>The objective's reconstruction term, summed over pixels, for draws from q(z|x); by the mean where there is no variance.</summary>
    public required double Recon { get; init; }

    public double? Kl { get; init; }

    /// <summary>The importance-weighted bound with <see cref="Draws"/> draws.</summary>
    public double? ImportanceWeighted { get; init; }

    public int? Draws { get; init; }

    /// <summary>The importance-weighted bound in bits for each pixel and channel, where the likelihood is discrete.</summary>
    public double? BitsPerDimension { get; init; }

    /// <summary>Of the reconstruction by the mean; the mean over images that are not equal to theirs.</summary>
    public required double Psnr { get; init; }

    public required double Ssim { get; init; }

    public required double MultiScaleSsim { get; init; }

    /// <summary>Scales that MS-SSIM is over: 5 from 176 pixels on.</summary>
    public required int Scales { get; init; }

    /// <summary>Numbers of the latent that vary over the images: Var_x(E[z]) > 0.01.</summary>
    public int? ActiveUnits { get; init; }

    public required long Units { get; init; }

    /// <summary>Frechet distances from the images, and whose features they are of.</summary>
    public string? Features { get; init; }

    public double? FrechetOfReconstructions { get; init; }

    /// <summary>As many samples of the prior as images.</summary>
    public double? FrechetOfSamples { get; init; }

    /// <summary>What people read: name, value, unit.</summary>
    public IEnumerable<(string Name, string Value, string Note)> Rows()
    {
        yield return ("images", Images.ToString("N0", System.Globalization.CultureInfo.InvariantCulture), "");
        if (NegativeElbo is { } elbo) yield return ("-ELBO", NumberText.Of(elbo), $"nats an image; {Likelihood}");
        yield return ("recon", NumberText.Of(Recon), "an image, as in the objective");
        if (Kl is { } kl) yield return ("KL", NumberText.Of(kl), "nats an image");
        if (ImportanceWeighted is { } weighted) yield return ($"IW-NLL({Draws})", NumberText.Of(weighted), "nats an image");
        if (BitsPerDimension is { } bits) yield return ("bits/dim", NumberText.Of(bits), "from IW-NLL; grey pixels are soft targets");
        yield return ("PSNR", NumberText.Of(Psnr), "dB, reconstruction by the mean");
        yield return ("SSIM", NumberText.Of(Ssim), "");
        yield return ("MS-SSIM", NumberText.Of(MultiScaleSsim), Scales == 5 ? "" : $"over the {Scales} scales that such images have");
        if (ActiveUnits is { } active) yield return ("active units", $"{active} of {Units}", "");
        if (FrechetOfReconstructions is { } rebuilt) yield return ("Frechet", NumberText.Of(rebuilt), $"reconstructions; features of {Features}");
        if (FrechetOfSamples is { } samples) yield return ("Frechet", NumberText.Of(samples), "samples of the prior");
    }

    public JsonObject ToJson() => new()
    {
        ["model"] = Model,
        ["images"] = Images,
        ["likelihood"] = Likelihood,
        ["negative_elbo"] = Number(NegativeElbo),
        ["recon"] = Number(Recon),
        ["kl"] = Number(Kl),
        ["iw_nll"] = Number(ImportanceWeighted),
        ["iw_samples"] = Draws,
        ["bits_per_dim"] = Number(BitsPerDimension),
        ["psnr"] = Number(Psnr),
        ["ssim"] = Number(Ssim),
        ["ms_ssim"] = Number(MultiScaleSsim),
        ["ms_ssim_scales"] = Scales,
        ["active_units"] = ActiveUnits,
        ["units"] = Units,
        ["features"] = Features,
        ["frechet_reconstructions"] = Number(FrechetOfReconstructions),
        ["frechet_samples"] = Number(FrechetOfSamples),
    };

    private static double? Number(double? value) => value is { } number ? NumberText.Finite(number) : null;
}
