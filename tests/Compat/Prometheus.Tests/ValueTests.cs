namespace Prometheus.Tests;

public sealed class ValueTests
{
    private readonly CollectorRegistry registry = Metrics.NewCustomRegistry();
    private MetricFactory Factory => Metrics.WithCustomRegistry(registry);

    [Fact]
    public void Counter_Increments_AddUp()
    {
        var counter = Factory.CreateCounter("c_total", "");
        counter.Inc();
        counter.Inc(2.5);
        counter.Inc(0);
        Assert.Equal(3.5, counter.Value);

        counter.IncTo(10);
        counter.IncTo(4);
        Assert.Equal(10, counter.Value);
    }

    [Fact]
    public void Counter_NegativeIncrement_Throws()
    {
        var counter = Factory.CreateCounter("c_total", "");
        Assert.Throws<ArgumentOutOfRangeException>(() => counter.Inc(-1));
        Assert.Equal(0, counter.Value);
    }

    [Fact]
    public void Gauge_Changes_Apply()
    {
        var gauge = Factory.CreateGauge("g", "");
        gauge.Set(5);
        gauge.Inc(2);
        gauge.Dec();
        Assert.Equal(6, gauge.Value);

        gauge.IncTo(3);
        gauge.DecTo(8);
        Assert.Equal(6, gauge.Value);
        gauge.IncTo(9);
        Assert.Equal(9, gauge.Value);
        gauge.DecTo(-2);
        Assert.Equal(-2, gauge.Value);

        gauge.Set(double.NaN);
        gauge.Inc();
        Assert.Equal(double.NaN, gauge.Value);
        gauge.Set(1);
        Assert.Equal(1, gauge.Value);
    }

    [Fact]
    public void Gauge_Times_AreSecondsSinceTheEpoch()
    {
        var gauge = Factory.CreateGauge("g", "");
        gauge.SetToTimeUtc(DateTimeOffset.UnixEpoch.AddSeconds(12.5));
        Assert.Equal(12.5, gauge.Value);

        var before = DateTimeOffset.UtcNow.ToUnixTimeSeconds();
        gauge.SetToCurrentTimeUtc();
        Assert.InRange(gauge.Value, before, DateTimeOffset.UtcNow.ToUnixTimeSeconds() + 1);

        var counter = Factory.CreateCounter("c_total", "");
        counter.IncToTimeUtc(DateTimeOffset.UnixEpoch.AddSeconds(3));
        Assert.Equal(3, counter.Value);
    }

    [Fact]
    public void Gauge_TrackInProgress_CountsUntilDisposedOnce()
    {
        var gauge = Factory.CreateGauge("g", "");
        var first = gauge.TrackInProgress();
        using (gauge.TrackInProgress()) Assert.Equal(2, gauge.Value);
        first.Dispose();
        first.Dispose();
        Assert.Equal(0, gauge.Value);
    }

    [Fact]
    public void Histogram_Observations_AreCountedAndSummed()
    {
        var histogram = Factory.CreateHistogram("h", "", new HistogramConfiguration { Buckets = [1, 2] });
        histogram.Observe(0.5);
        histogram.Observe(2, 3);
        histogram.Observe(99);
        histogram.Observe(double.NaN);

        Assert.Equal(5, histogram.Count);
        Assert.Equal(105.5, histogram.Sum);
    }

    [Theory]
    [InlineData(new double[0])]
    [InlineData(new[] { 2.0, 1.0 })]
    [InlineData(new[] { 1.0, 1.0 })]
    [InlineData(new[] { double.NaN })]
    [InlineData(new[] { double.PositiveInfinity, 1.0 })]
    public void Histogram_BoundsThatDoNotAscend_Throw(double[] bounds) =>
        Assert.Throws<ArgumentException>(() => Factory.CreateHistogram("h", "", new HistogramConfiguration { Buckets = bounds }));

    [Fact]
    public void Buckets_ByRule_AreTheExpectedOnes()
    {
        Assert.Equal([1, 3.5, 6], Histogram.LinearBuckets(1, 2.5, 3));
        Assert.Equal([0.5, 1, 2, 4], Histogram.ExponentialBuckets(0.5, 2, 4));
        Assert.Throws<ArgumentException>(() => Histogram.LinearBuckets(1, 1, 0));
        Assert.Throws<ArgumentException>(() => Histogram.ExponentialBuckets(0, 2, 1));
        Assert.Throws<ArgumentException>(() => Histogram.ExponentialBuckets(1, 1, 1));
        Assert.Throws<ArgumentException>(() => Histogram.ExponentialBuckets(1, 2, 0));
    }

    [Fact]
    public void NewTimer_Disposed_ObservesSeconds()
    {
        var histogram = Factory.CreateHistogram("h", "");
        var gauge = Factory.CreateGauge("g", "");
        var counter = Factory.CreateCounter("c_total", "");

        using (histogram.NewTimer()) { }
        var duration = gauge.NewTimer().ObserveDuration();
        var timer = counter.NewTimer();
        var sum = timer.ObserveDuration() + timer.ObserveDuration();

        Assert.Equal(1, histogram.Count);
        Assert.True(histogram.Sum > 0);
        Assert.Equal(duration.TotalSeconds, gauge.Value);
        Assert.Equal(sum.TotalSeconds, counter.Value, tolerance: 1e-9);
    }

    [Fact]
    public async Task CountExceptions_ByFilter_CountsAndLetsPass()
    {
        var counter = Factory.CreateCounter("c_total", "");
        void Fail() => throw new IOException();
        int FailToReturn() => throw new IOException();
        async Task FailAsync() { await Task.Yield(); throw new IOException(); }
        async Task<int> FailToReturnAsync() { await Task.Yield(); throw new IOException(); }

        Assert.Throws<IOException>(() => counter.CountExceptions(Fail));
        Assert.Throws<IOException>(() => counter.CountExceptions(FailToReturn));
        await Assert.ThrowsAsync<IOException>(() => counter.CountExceptionsAsync(FailAsync));
        await Assert.ThrowsAsync<IOException>(() => counter.CountExceptionsAsync(FailToReturnAsync));
        Assert.Equal(4, counter.Value);

        Assert.Throws<IOException>(() => counter.CountExceptions(Fail, exception => exception is TimeoutException));
        Assert.Equal(5, counter.CountExceptions(() => 5));
        Assert.Equal(6, await counter.CountExceptionsAsync(() => Task.FromResult(6)));
        Assert.Equal(4, counter.Value);
    }
}
