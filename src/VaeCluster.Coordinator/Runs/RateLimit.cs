namespace VaeCluster.Coordinator.Runs;

/// <summary>A bucket of permits that fills with time. Any thread.</summary>
internal sealed class RateLimit
{
    private readonly Lock gate = new();
    private readonly double perSecond;
    private readonly double burst;
    private readonly TimeProvider clock;
    private double permits;
    private long filled;

    public RateLimit(double perSecond, double burst, TimeProvider clock)
    {
        (this.perSecond, this.burst, this.clock) = (perSecond, burst, clock);
        (permits, filled) = (burst, clock.GetTimestamp());
    }

    public bool TryTake()
    {
        lock (gate)
        {
            var now = clock.GetTimestamp();
            permits = Math.Min(burst, permits + clock.GetElapsedTime(filled, now).TotalSeconds * perSecond);
            filled = now;
            if (permits < 1) return false;
            permits--;
            return true;
        }
    }
}
