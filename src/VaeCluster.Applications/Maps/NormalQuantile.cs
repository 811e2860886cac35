namespace VaeCluster.Applications.Maps;

/// <summary>Quantiles of N(0, 1).</summary>
internal static class NormalQuantile
{
    /// <param name="share">In (0, 1): how much of the distribution lies below the result.</param>
    public static double At(double share)
    {
        // By bisection of the integral, which Simpson's rule gives to 1e-9: few are needed, and no table of constants.
        var (low, high) = (-8.0, 8.0);
        for (var i = 0; i < 50; i++)
        {
            var middle = (low + high) / 2;
            if (Below(middle) < share) low = middle;
            else high = middle;
        }
        return (low + high) / 2;
    }

    private static double Below(double x)
    {
        const int pieces = 200;
        var step = x / pieces;
        var sum = Density(0) + Density(x);
        for (var i = 1; i < pieces; i++) sum += Density(i * step) * (i % 2 == 0 ? 2 : 4);
        return 0.5 + sum * step / 3;
    }

    private static double Density(double x) => Math.Exp(-x * x / 2) / Math.Sqrt(2 * Math.PI);
}
