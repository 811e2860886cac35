using static TorchSharp.torch;

namespace VaeCluster.Applications.Evaluation;

/// <summary>
/// Mean and covariance of feature vectors, summed up in fp64 on the CPU, and the Frechet distance between two of them (Heusel,
/// Ramsauer, Unterthiner, Nessler and Hochreiter 2017).
/// </summary>
public sealed class FeatureStatistics : IDisposable
{
    private Tensor? sum, products;

    /// <summary>Vectors so far.</summary>
    public long Count { get; private set; }

    /// <param name="features">[B, F].</param>
    public void Add(Tensor features)
    {
        ArgumentNullException.ThrowIfNull(features);
        using var guard = no_grad();
        using var scope = NewDisposeScope();
        var exact = features.to(ScalarType.Float64).cpu();
        Count += exact.shape[0];
        if (sum is null || products is null)
        {
            sum = zeros(exact.shape[1], dtype: ScalarType.Float64).DetachFromDisposeScope();
            products = zeros(exact.shape[1], exact.shape[1], dtype: ScalarType.Float64).DetachFromDisposeScope();
        }
        sum.add_(exact.sum(0L));
        products.add_(exact.t().mm(exact));
    }

    /// <summary>|m - n|^2 + tr(A + B - 2 (A B)^(1/2)) of two Gaussians with these means and covariances.</summary>
    /// <exception cref="UserErrorException">There are less than two vectors.</exception>
    public double DistanceTo(FeatureStatistics other)
    {
        ArgumentNullException.ThrowIfNull(other);
        using var guard = no_grad();
        using var scope = NewDisposeScope();
        var (m, a) = Moments();
        var (n, b) = other.Moments();
        // The trace of (A B)^(1/2) is that of (A^(1/2) B A^(1/2))^(1/2), whose matrices are symmetric.
        var (values, vectors) = linalg.eigh(a);
        var root = (vectors * values.clamp(min: 0).sqrt()).mm(vectors.t());
        var (inner, _) = linalg.eigh(root.mm(b).mm(root));
        var distance = (m - n).square().sum() + a.diag().sum() + b.diag().sum() - inner.clamp(min: 0).sqrt().sum() * 2;
        return Math.Max(0, distance.item<double>());
    }

    public void Dispose()
    {
        sum?.Dispose();
        products?.Dispose();
    }

    private (Tensor Mean, Tensor Covariance) Moments()
    {
        if (Count < 2) throw new UserErrorException($"A Frechet distance needs at least 2 images, and there are {Count}.");
        var mean = sum! / Count;
        return (mean, (products! - mean.outer(mean) * Count) / (Count - 1));
    }
}
