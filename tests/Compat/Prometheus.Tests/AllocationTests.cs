namespace Prometheus.Tests;

public sealed class AllocationTests
{
    private readonly MetricFactory factory = Metrics.WithCustomRegistry(Metrics.NewCustomRegistry());

    [Fact]
    public void Changes_OfAKnownSeries_AllocateNothing()
    {
        var counter = factory.CreateCounter("c_total", "");
        var child = factory.CreateCounter("l_total", "", "a", "b").WithLabels("x", "y");
        var gauge = factory.CreateGauge("g", "");
        var histogram = factory.CreateHistogram("h", "");

        AssertAllocatesNothing(() =>
        {
            counter.Inc();
            child.Inc(2);
            gauge.Set(1);
            gauge.Dec();
            histogram.Observe(0.3);
        });
    }

    [Fact]
    public void Lookup_BySpan_AllocatesNothing()
    {
        var counter = factory.CreateCounter("l_total", "", "a", "b");
        counter.WithLabels("x", "y");

        AssertAllocatesNothing(() => counter.WithLabels((ReadOnlySpan<string>)["x", "y"]).Inc());
    }

    private static void AssertAllocatesNothing(Action action)
    {
        action(); // what is made once on first use does not count
        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < 1000; i++) action();
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
    }
}
