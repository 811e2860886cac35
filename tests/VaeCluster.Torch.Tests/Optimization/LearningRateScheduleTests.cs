namespace VaeCluster.Torch.Tests.Optimization;

public sealed class LearningRateScheduleTests
{
    [Theory]
    [InlineData(0, 0.1)]
    [InlineData(9, 1.0)]
    [InlineData(500, 1.0)]
    public void At_ConstantWithWarmup_RisesThenStays(long step, double expected) =>
        Assert.Equal(expected, new LearningRateSchedule(1, new() { Warmup = 10 }, 100, 1000).At(step), 12);

    [Fact]
    public void At_Exponential_FallsOncePerEpoch()
    {
        var schedule = new LearningRateSchedule(2, new() { Kind = ScheduleKind.Exponential, Gamma = 0.5 }, 100, 1000);

        Assert.Equal(2, schedule.At(99));
        Assert.Equal(1, schedule.At(100));
        Assert.Equal(0.25, schedule.At(399));
    }

    [Fact]
    public void At_Cosine_EndsAtItsFloorAtItsOwnHorizon()
    {
        var schedule = new LearningRateSchedule(1, new() { Kind = ScheduleKind.Cosine, Steps = 200, Warmup = 100, Floor = 0.1 }, 10, 77);

        Assert.Equal(1, schedule.At(100), 12);
        Assert.Equal(0.55, schedule.At(150), 12);
        Assert.Equal(0.1, schedule.At(200), 12);
        Assert.Equal(0.1, schedule.At(5000), 12);
    }
}
