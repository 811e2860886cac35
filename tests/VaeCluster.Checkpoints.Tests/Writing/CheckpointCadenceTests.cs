namespace VaeCluster.Checkpoints.Tests.Writing;

public sealed class CheckpointCadenceTests
{
    [Theory]
    [InlineData(100, 0, 99, 0, false)]
    [InlineData(100, 0, 100, 0, true)]
    [InlineData(100, 95, 100, 0, true)] // resumed from 95: the same steps as if it had not been stopped
    [InlineData(100, 100, 150, 0, false)]
    [InlineData(100, 100, 203, 0, true)] // was busy at 200
    [InlineData(0, 0, 1000, 9, false)]
    [InlineData(0, 0, 1000, 10, true)]
    [InlineData(0, 1000, 1000, 99, false)] // nothing has changed
    public void Decide_StepsAndMinutes_IsDueWhenEitherIs(long everySteps, long last, long step, int minutes, bool due)
    {
        var options = new CheckpointOptions { EverySteps = everySteps, EveryMinutes = 10 };

        Assert.Equal(due, CheckpointCadence.Decide(options, step - last, step, TimeSpan.FromMinutes(minutes)).Due);
    }

    [Fact]
    public void IsDue_NotAccepted_StaysDue()
    {
        var cadence = new CheckpointCadence(new CheckpointOptions { EverySteps = 10, EveryMinutes = 0 }, 0, TimeProvider.System);

        Assert.True(cadence.IsDue(10));
        Assert.True(cadence.IsDue(11));
        cadence.Accepted(11);
        Assert.False(cadence.IsDue(12));
        Assert.True(cadence.IsDue(20));
    }
}
