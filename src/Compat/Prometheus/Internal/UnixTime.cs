namespace Prometheus;

internal static class UnixTime
{
    /// <summary>Seconds since the Unix epoch, with their fraction.</summary>
    public static double Seconds(DateTimeOffset time) => (time - DateTimeOffset.UnixEpoch).TotalSeconds;
}
