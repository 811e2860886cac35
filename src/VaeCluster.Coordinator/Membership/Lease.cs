namespace VaeCluster.Coordinator.Membership;

/// <summary>
/// How long a worker may be silent before it counts as lost: from what its heartbeats were like, as TCP (RFC 6298) derives
/// its timeout, so that a loaded machine gets more patience and a quiet one is noticed soon.
/// </summary>
/// <param name="Gap">Smoothed time between two messages.</param>
/// <param name="Deviation">Smoothed distance of that time from its mean.</param>
/// <param name="Interval">Between heartbeats, as the worker was told.</param>
public readonly record struct Lease(TimeSpan Gap, TimeSpan Deviation, TimeSpan Interval)
{
    private const double GapGain = 1.0 / 8;
    private const double DeviationGain = 1.0 / 4;

    /// <summary>Before anything was observed.</summary>
    public static Lease At(TimeSpan heartbeatInterval) => new(heartbeatInterval, heartbeatInterval / 4, heartbeatInterval);

    public Lease Observe(TimeSpan gap) => this with
    {
        Gap = Gap + (gap - Gap) * GapGain,
        Deviation = Deviation + ((gap - Gap).Duration() - Deviation) * DeviationGain,
    };

    /// <summary>Two heartbeats may be missed, and what the spread allows beyond that.</summary>
    public TimeSpan Length(LeaseOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        var length = Longest(2 * Gap + 6 * Deviation, 3 * Interval, options.Least);
        return length > options.Most ? options.Most : length;
    }

    private static TimeSpan Longest(TimeSpan a, TimeSpan b, TimeSpan c) => TimeSpan.FromTicks(Math.Max(a.Ticks, Math.Max(b.Ticks, c.Ticks)));
}
