using static TorchSharp.torch;

namespace VaeCluster.Applications.Maps;

/// <summary>The directions in which points vary most, and where the points lie along them. In fp64.</summary>
public sealed class PrincipalComponents
{
    // Of a matrix of this side all eigenvectors are found in a second or two; beyond, only the few that are asked for.
    private const long LargestExact = 1500;
    private const int SpareColumns = 14, Iterations = 12;

    private PrincipalComponents(double[] mean, double[][] axes, double[,] places, double[] shares) =>
        (Mean, Axes, Places, Shares) = (mean, axes, places, shares);

    /// <summary>Of the points.</summary>
    public IReadOnlyList<double> Mean { get; }

    /// <summary>Of each component the direction, of length 1; zeros where there are no more directions.</summary>
    public IReadOnlyList<IReadOnlyList<double>> Axes { get; }

    /// <summary>[points, components] in the points' own units, around their mean.</summary>
    public double[,] Places { get; }

    /// <summary>Of the whole variance, for each component, the greatest first.</summary>
    public IReadOnlyList<double> Shares { get; }

    /// <summary>
    /// From all eigenvectors of the covariance or, where there are fewer points than numbers, of the points' products with each other.
    /// Where both are many, by iterating a random subspace (Halko, Martinsson and Tropp 2011), drawn from a fixed seed. The
    /// largest entry of an axis is positive.
    /// </summary>
    /// <param name="points">[points, numbers], at least two points.</param>
    public static PrincipalComponents Of(Tensor points, int components)
    {
        ArgumentNullException.ThrowIfNull(points);
        using var guard = no_grad();
        using var scope = NewDisposeScope();
        var (count, numbers) = (points.shape[0], points.shape[1]);
        ArgumentOutOfRangeException.ThrowIfLessThan(count, 2, nameof(points));
        var plain = points.cpu().to(ScalarType.Float64);
        var mean = plain.mean([0L]);
        var centred = plain - mean;
        var total = centred.square().sum().item<double>();
        var (values, directions) = Directions(centred, components); // [k], [numbers, k]
        var (axes, places, shares) = (new double[components][], new double[count, components], new double[components]);
        for (var component = 0; component < components; component++)
        {
            axes[component] = new double[numbers];
            if (component >= values.shape[0]) continue;
            var axis = directions.narrow(1, component, 1);
            if (axis[axis.abs().argmax(0).item<long>(), 0].item<double>() < 0) axis = -axis;
            axes[component] = Doubles(axis);
            foreach (var (point, place) in Doubles(centred.mm(axis)).Index()) places[point, component] = place;
            shares[component] = total > 0 ? Math.Clamp(values[component].item<double>() / total, 0, 1) : 0;
        }
        return new(Doubles(mean), axes, places, shares);
    }

    /// <summary>Pearson's correlation of the numbers: [numbers, numbers], 0 where one of them does not vary.</summary>
    /// <param name="points">[points, numbers]</param>
    public static double[,] Correlation(Tensor points)
    {
        ArgumentNullException.ThrowIfNull(points);
        using var guard = no_grad();
        using var scope = NewDisposeScope();
        var plain = points.cpu().to(ScalarType.Float64);
        var centred = plain - plain.mean([0L]);
        var length = centred.square().sum(0L).sqrt();
        var units = (centred / length).masked_fill(length.le(1e-12).unsqueeze(0), 0);
        var (numbers, values) = (points.shape[1], Doubles(units.t().mm(units)));
        var result = new double[numbers, numbers];
        foreach (var (index, value) in values.Index()) result[index / numbers, index % numbers] = Math.Clamp(value, -1, 1);
        return result;
    }

    /// <summary>The greatest squared lengths of the points along a direction, descending, and these directions.</summary>
    private static (Tensor Values, Tensor Directions) Directions(Tensor centred, int components)
    {
        var (count, numbers) = (centred.shape[0], centred.shape[1]);
        if (Math.Min(count, numbers) > LargestExact)
        {
            using var generator = new Generator(1);
            var basis = Orthonormal(randn(numbers, components + SpareColumns, ScalarType.Float64, generator: generator));
            for (var i = 0; i < Iterations; i++) basis = Orthonormal(centred.t().mm(centred.mm(basis)));
            var inside = centred.mm(basis); // [points, few]
            var (small, turned) = linalg.eigh(inside.t().mm(inside));
            return (small.flip(0).narrow(0, 0, components), basis.mm(turned).flip(1).narrow(1, 0, components));
        }
        if (numbers <= count)
        {
            var (values, vectors) = linalg.eigh(centred.t().mm(centred)); // ascending
            var few = Math.Min(components, numbers);
            return (values.flip(0).narrow(0, 0, few), vectors.flip(1).narrow(1, 0, few));
        }
        else
        {
            var (values, vectors) = linalg.eigh(centred.mm(centred.t()));
            var few = Math.Min(components, count);
            var top = values.flip(0).narrow(0, 0, few).clamp(min: 0);
            var directions = centred.t().mm(vectors.flip(1).narrow(1, 0, few)) / top.sqrt().clamp(min: 1e-300);
            return (top, directions.masked_fill(top.le(1e-12 * top.max().item<double>() + 1e-300).unsqueeze(0), 0));
        }
    }

    // Columns of the same span at right angles; those that add nothing become zero.
    private static Tensor Orthonormal(Tensor columns)
    {
        var (values, vectors) = linalg.eigh(columns.t().mm(columns));
        var floor = values.max().item<double>() * 1e-14;
        return columns.mm(vectors) * values.clamp(min: floor).rsqrt().masked_fill(values.le(floor), 0);
    }

    private static double[] Doubles(Tensor values) => values.contiguous().data<double>().ToArray();
}
