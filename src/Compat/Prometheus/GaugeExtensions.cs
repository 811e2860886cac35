namespace Prometheus;

public static class GaugeExtensions
{
    /// <summary>Sets the gauge to the current time, in seconds since the Unix epoch.</summary>
    public static void SetToCurrentTimeUtc(this IGauge gauge) => gauge.SetToTimeUtc(DateTimeOffset.UtcNow);

    /// <summary>Sets the gauge to this time, in seconds since the Unix epoch.</summary>
    public static void SetToTimeUtc(this IGauge gauge, DateTimeOffset timestamp) => gauge.Set(UnixTime.Seconds(timestamp));

    /// <summary>Raises the gauge to the current time, in seconds since the Unix epoch.</summary>
    public static void IncToCurrentTimeUtc(this IGauge gauge) => gauge.IncToTimeUtc(DateTimeOffset.UtcNow);

    /// <summary>Raises the gauge to this time, in seconds since the Unix epoch.</summary>
    public static void IncToTimeUtc(this IGauge gauge, DateTimeOffset timestamp) => gauge.IncTo(UnixTime.Seconds(timestamp));

    /// <summary>Counts one more until what is returned is disposed.</summary>
    public static IDisposable TrackInProgress(this IGauge gauge)
    {
        ArgumentNullException.ThrowIfNull(gauge);
        return new InProgress(gauge);
    }

    private sealed class InProgress : IDisposable
    {
        private IGauge? gauge;

        public InProgress(IGauge gauge)
        {
            this.gauge = gauge;
            gauge.Inc();
        }

        public void Dispose() => Interlocked.Exchange(ref gauge, null)?.Dec();
    }
}
