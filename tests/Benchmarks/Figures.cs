namespace Benchmarks;

/// <summary>Repeated measurements of one quantity; what is quoted is the median, with the spread beside it.</summary>
internal sealed class Figures(IEnumerable<double> values)
{
    private readonly double[] sorted = [.. values.Order()];

    public double Median => sorted.Length % 2 == 1
        ? sorted[sorted.Length / 2]
        : (sorted[sorted.Length / 2 - 1] + sorted[sorted.Length / 2]) / 2;

    public double Minimum => sorted[0];

    public double Maximum => sorted[^1];

    /// <summary>Value below which the share lies, by nearest rank.</summary>
    public double Quantile(double share) => sorted[Math.Clamp((int)Math.Ceiling(share * sorted.Length) - 1, 0, sorted.Length - 1)];

    public override string ToString() => $"{Median:G4} ({Minimum:G4} to {Maximum:G4})";
}
