namespace VaeCluster.Models.Objectives;

/// <summary>The sums of <see cref="ObjectiveTerms"/> as numbers.</summary>
public readonly record struct LossSums(long Samples, double Recon, double Kl, double SquaredError, double Total)
{
    public static LossSums operator +(LossSums a, LossSums b) => new(
        a.Samples + b.Samples, a.Recon + b.Recon, a.Kl + b.Kl, a.SquaredError + b.SquaredError, a.Total + b.Total);

    public static LossSums Add(LossSums left, LossSums right) => left + right;
}
