using VaeCluster.Applications.Maps;
using static TorchSharp.torch;

namespace VaeCluster.Applications.Tests.Maps;

public sealed class PrincipalComponentsTests : IDisposable
{
    private readonly TorchSharp.DisposeScope _scope = NewDisposeScope();

    public void Dispose() => _scope.Dispose();

    [Theory]
    [InlineData(200, 6)] // by the covariance
    [InlineData(12, 40)] // by the points' products
    [InlineData(1600, 1550)] // by a random subspace
    public void Of_TwoStrongDirections_FindsThemWithTheirShares(int count, int numbers)
    {
        using var generator = new Generator(4);
        // Along the diagonal of the first two numbers by 30 to both sides, along the third by 10, in all combinations; and noise.
        var strengths = tensor(Enumerable.Range(0, 2 * count).Select(i => i % 2 == 0 ? i / 2 % 2 == 0 ? 30f : -30f : i / 4 % 2 == 0 ? 10f : -10f).ToArray()).view(count, 2);
        var directions = zeros(2, numbers);
        directions[0, 0] = directions[0, 1] = tensor((float)Math.Sqrt(0.5));
        directions[1, 2] = tensor(1f);
        var points = strengths.mm(directions) + randn(count, numbers, generator: generator) * 0.01 + 5;

        var components = PrincipalComponents.Of(points, 2);

        Assert.Equal(Math.Sqrt(0.5), components.Axes[0][0], 2);
        Assert.Equal(Math.Sqrt(0.5), components.Axes[0][1], 2);
        Assert.Equal(1, components.Axes[1][2], 2);
        var plain = points.to(ScalarType.Float64);
        var centred = plain - plain.mean([0L]);
        Assert.Equal(centred[0].dot(tensor(components.Axes[0].ToArray())).item<double>(), components.Places[0, 0], 6);
        var total = centred.square().sum().item<double>();
        for (var axis = 0; axis < 2; axis++)
        {
            var along = Enumerable.Range(0, count).Sum(point => components.Places[point, axis] * components.Places[point, axis]);
            Assert.Equal(along / total, components.Shares[axis], 9);
        }
        Assert.True(components.Shares[0] > components.Shares[1] && components.Shares.Sum() > 0.99);
    }

    [Fact]
    public void Correlation_IsPearsons_AndZeroForWhatDoesNotVary()
    {
        var matrix = PrincipalComponents.Correlation(tensor(new float[,] { { 1, -2, 7, 1 }, { 2, -4, 7, 0 }, { 3, -6, 7, 1 } }));
        Assert.Equal(1, matrix[0, 0], 12);
        Assert.Equal(-1, matrix[0, 1], 12);
        Assert.Equal(0, matrix[0, 2]);
        Assert.Equal(0, matrix[0, 3], 12);
    }

    [Fact]
    public void Statistics_InParts_AreThoseOfTheWhole()
    {
        float[] means = [1, 0.5f, 3, 0.5f, 5, 0.5f], logVariances = [0, -1, 0, -1, 0, -1];
        var statistics = new LatentStatistics(2);
        statistics.Add(means.AsSpan(0, 2), logVariances.AsSpan(0, 2));
        statistics.Add(means.AsSpan(2), logVariances.AsSpan(2));
        Assert.Equal(8 / 3.0, statistics.VarianceOfMean(0), 9);
        Assert.Equal(0, statistics.VarianceOfMean(1), 9);
        Assert.Equal(35 / 6.0, statistics.Kl(0), 9); // half of the mean square
        Assert.Equal(0.5 * (0.25 + Math.Exp(-1) - 1 + 1), statistics.Kl(1), 9);
        Assert.Equal(Math.Exp(-1), statistics.MeanVariance(1), 9);
        Assert.Equal((1, true, false), (statistics.Active, statistics.IsActive(0), statistics.IsActive(1)));
        Assert.Equal([0, 1], statistics.ByWeight);
    }
}
