using System.Text.Json.Nodes;
using VaeCluster.Status.Web;

namespace VaeCluster.Tests.Status;

public sealed class LossSeriesTests
{
    [Fact]
    public void ToJson_FewRows_AreThemselves()
    {
        var series = new LossSeries();
        for (var step = 1; step <= 3; step++) series.Add(step, step, 10 * step, 0.5);
        var told = series.ToJson(LossSeries.Most);
        Assert.Equal([1, 2, 3], Column(told, "step"));
        Assert.Equal([1, 2, 3], Column(told, "loss"));
        Assert.Equal([10, 20, 30], Column(told, "reconstruction"));
        Assert.Equal([0.5, 0.5, 0.5], Column(told, "kl"));
    }

    [Theory]
    [InlineData(1000, 1000)]
    [InlineData(1001, 1000)]
    [InlineData(123_456, 1000)]
    [InlineData(123_456, 7)]
    [InlineData(10, 1)]
    public void ToJson_AnyLength_KeepsMeanAndLastStepInSoManyPoints(int rows, int most)
    {
        var series = new LossSeries();
        for (var step = 1; step <= rows; step++) series.Add(step, step, 2, 3);
        var told = series.ToJson(most);
        var (steps, losses) = (Column(told, "step"), Column(told, "loss"));
        Assert.InRange(steps.Count, Math.Min(rows, most) / 2.0, most);
        Assert.Equal(rows, steps[^1]);
        // Each point is the mean of the rows between the one before and itself: of a straight line, its middle.
        Assert.Equal(steps.Select((step, at) => ((at == 0 ? 0 : steps[at - 1]!.Value) + 1 + step!.Value) / 2).ToArray(), losses.Select(loss => loss!.Value).ToArray(), new Within(0.01));
    }

    [Fact]
    public void ToJson_RowThatIsNotFinite_IsInNoMean()
    {
        var series = new LossSeries();
        series.Add(1, 2, 1, 1);
        series.Add(2, double.NaN, 1, 1);
        series.Add(3, 4, double.PositiveInfinity, 1);
        series.Add(4, 6, 5, 1);
        Assert.Equal([2, null, null, 6], Column(series.ToJson(4), "loss"));
        Assert.Equal([2, 6], Column(series.ToJson(2), "loss"));
        Assert.Equal([1, 5], Column(series.ToJson(2), "reconstruction"));
    }

    private static List<double?> Column(JsonObject told, string name) =>
        [.. JsonNode.Parse(told.ToJsonString())![name]!.AsArray().Select(value => value?.GetValue<double>())];

    private sealed class Within(double difference) : IEqualityComparer<double>
    {
        public bool Equals(double x, double y) => Math.Abs(x - y) <= difference;

        public int GetHashCode(double value) => 0;
    }
}
