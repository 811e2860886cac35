using VaeCluster.Progress;

namespace VaeCluster.Tests;

public sealed class ViewTests
{
    [Fact]
    public void PlainView_FastSteps_WritesOneLineAFewSeconds()
    {
        var clock = new ManualClock();
        var output = new StringWriter();
        var view = new PlainView(output, clock);
        for (var step = 1; step <= 100; step++)
        {
            view.Report(new Snapshot(step, 100, 0, 1234567, 12.3456, 0.5, 99.6, TimeSpan.FromSeconds(3661)));
            clock.Advance(TimeSpan.FromMilliseconds(100)); // 10 s in all
        }
        var lines = output.ToString().Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal(["step 1/100", "step 51/100", "step 100/100"], lines.Select(line => line.Split("  ")[0]));
        Assert.EndsWith("loss 1.23E+006 (recon 12.346 + KL 0.5)  100 images/s  1:01:01 left", lines[0], StringComparison.Ordinal);
    }

    [Fact]
    public void Pace_OldSlowSteps_AreForgotten()
    {
        var pace = new Pace();
        Assert.Equal(0, pace.ImagesPerSecond);
        for (var i = 0; i < 10; i++) pace.Add(8, TimeSpan.FromSeconds(10));
        Assert.Equal(0.8, pace.ImagesPerSecond, 1e-9);
        for (var i = 0; i < 50; i++) pace.Add(8, TimeSpan.FromSeconds(0.5));
        Assert.Equal(16, pace.ImagesPerSecond, 1e-9);
        Assert.Equal(TimeSpan.FromSeconds(5), pace.Left(10));
    }

    private sealed class ManualClock : TimeProvider
    {
        private long _now;

        public void Advance(TimeSpan time) => _now += time.Ticks;

        public override long TimestampFrequency => TimeSpan.TicksPerSecond;

        public override long GetTimestamp() => _now;
    }
}
