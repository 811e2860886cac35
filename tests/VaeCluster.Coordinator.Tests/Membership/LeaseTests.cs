using VaeCluster.Coordinator.Membership;

namespace VaeCluster.Coordinator.Tests.Membership;

public sealed class LeaseTests
{
    private static readonly LeaseOptions Options = new();

    [Fact]
    public void Length_RegularHeartbeats_IsTheLeast() => Assert.Equal(Options.Least, After(Enumerable.Repeat(0.25, 50)));

    [Fact]
    public void Length_IrregularHeartbeats_GrowsWithTheirSpread()
    {
        var length = After(Enumerable.Range(0, 100).Select(number => number % 4 == 0 ? 1.2 : 0.25));

        Assert.InRange(length, TimeSpan.FromSeconds(1.5), TimeSpan.FromSeconds(5));
        Assert.Equal(Options.Least, After(Enumerable.Range(0, 100).Select(number => number % 4 == 0 && number < 50 ? 1.2 : 0.25)));
    }

    [Fact]
    public void Length_WildHeartbeats_IsTheMost() => Assert.Equal(Options.Most, After(Enumerable.Range(0, 50).Select(number => number * 1.0)));

    [Fact]
    public void Length_LongerInterval_IsAllowedForAtOnce() => Assert.Equal(TimeSpan.FromSeconds(3),
        (Lease.At(Options.HeartbeatInterval) with { Interval = TimeSpan.FromSeconds(1) }).Length(Options));

    [Fact]
    public void IntervalFor_AThousandWorkers_IsASecond()
    {
        Assert.Equal(TimeSpan.FromSeconds(1), Options.IntervalFor(1000));
        Assert.Equal(TimeSpan.FromMilliseconds(250), Options.IntervalFor(3));
    }

    private static TimeSpan After(IEnumerable<double> gaps) =>
        gaps.Aggregate(Lease.At(Options.HeartbeatInterval), (lease, gap) => lease.Observe(TimeSpan.FromSeconds(gap))).Length(Options);
}
