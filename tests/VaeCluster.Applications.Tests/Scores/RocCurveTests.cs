using VaeCluster.Applications.Scores;

namespace VaeCluster.Applications.Tests.Scores;

public sealed class RocCurveTests
{
    [Fact]
    public void Of_ScoresThatTie_IsTheShareOfPairsInOrder()
    {
        var random = new Random(3);
        var scores = Enumerable.Range(0, 200).Select(_ => (double)random.Next(12)).ToList();
        var anomalous = scores.Select(score => random.Next(20) < score + 4).ToList();

        var pairs = from a in Enumerable.Range(0, 200)
                    from n in Enumerable.Range(0, 200)
                    where anomalous[a] && !anomalous[n]
                    select scores[a] > scores[n] ? 1.0 : scores[a] < scores[n] ? 0.0 : 0.5;
        Assert.Equal(pairs.Average(), RocCurve.Of(scores, anomalous).Area, 12);
    }

    [Fact]
    public void Of_SeparatedScores_HasAreaOneAndTheThresholdBetween()
    {
        var curve = RocCurve.Of([5, 1, 4, 2], [true, false, true, false]);
        Assert.Equal(1, curve.Area);
        Assert.Equal(new RocPoint(4, 0, 1), curve.Best);
        Assert.Equal(new RocPoint(1, 1, 1), curve.Points[^1]);
    }

    [Fact]
    public void Of_OneKindAlone_SaysWhatIsMissing() =>
        Assert.Contains("0 anomalies and 2 normal", Assert.Throws<UserErrorException>(() => RocCurve.Of([1, 2], [false, false])).Message, StringComparison.Ordinal);

    [Theory]
    [InlineData(0, 1)]
    [InlineData(0.5, 2.5)]
    [InlineData(0.9, 3.7)]
    [InlineData(1, 4)]
    public void Quantile_IsBetweenTheNeighbours(double share, double expected) => Assert.Equal(expected, Quantile.Of([4, 1, 3, 2], share), 12);

    [Fact]
    public void Complexity_NoiseTakesMoreBitsThanAGradientThanAFlatImage()
    {
        var noise = new byte[784];
        new Random(1).NextBytes(noise);
        byte[] gradient = [.. Enumerable.Range(0, 784).Select(i => (byte)(i / 28 * 9))];
        var bits = new[] { new byte[784], gradient, noise }.Select(pixels => ImageComplexity.Bits(pixels, 28)).ToArray();
        Assert.True(bits[0] < bits[1] && bits[1] < bits[2] / 4, string.Join(", ", bits));
        Assert.InRange(bits[2], 784 * 8, 784 * 8 * 1.05);
        Assert.InRange(ImageComplexity.BinaryBits(noise, 28), 784, 784 * 1.2);
    }
}
