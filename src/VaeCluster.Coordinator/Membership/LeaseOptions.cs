using System.ComponentModel.DataAnnotations;

namespace VaeCluster.Coordinator.Membership;

/// <summary>The section `lease`: when a silent worker counts as lost.</summary>
public sealed class LeaseOptions : IValidatableObject
{
    /// <summary>Time between two heartbeats of a worker; longer where all together would send more than 1,000 a second.</summary>
    public TimeSpan HeartbeatInterval { get; set; } = TimeSpan.FromMilliseconds(250);

    /// <summary>Shortest lease.</summary>
    public TimeSpan Least { get; set; } = TimeSpan.FromSeconds(1);

    /// <summary>Longest lease, however irregular the heartbeats.</summary>
    public TimeSpan Most { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>A worker whose stream broke, and that no peer reports, may connect again within this time.</summary>
    public TimeSpan ReconnectTime { get; set; } = TimeSpan.FromMilliseconds(100);

    /// <summary>
    /// After a restart the workers have so long to come back with the plan that they work under, where no peer reports them lost.
    /// </summary>
    public TimeSpan ReturnTime { get; set; } = TimeSpan.FromSeconds(4);

    /// <summary>A worker that is gone for so long is forgotten.</summary>
    public TimeSpan ForgetAfter { get; set; } = TimeSpan.FromMinutes(1);

    /// <summary>The interval for a number of workers: all together they send at most 1,000 heartbeats a second.</summary>
    public TimeSpan IntervalFor(int workers)
    {
        var shared = TimeSpan.FromMilliseconds(workers);
        return shared > HeartbeatInterval ? shared : HeartbeatInterval;
    }

    public IEnumerable<ValidationResult> Validate(ValidationContext validationContext)
    {
        if (HeartbeatInterval < TimeSpan.FromMilliseconds(10) || HeartbeatInterval > TimeSpan.FromMinutes(1))
            yield return new("has to lie between 10 milliseconds and one minute", [nameof(HeartbeatInterval)]);
        if (Least < 2 * HeartbeatInterval)
            yield return new("has to be at least two heartbeat intervals, or every late heartbeat is a loss", [nameof(Least)]);
        if (Most < Least)
            yield return new("has to be at least as long as the shortest lease", [nameof(Most)]);
        if (ReconnectTime < TimeSpan.Zero || ReconnectTime > Most)
            yield return new("has to lie between 0 and the longest lease", [nameof(ReconnectTime)]);
        if (ReturnTime < Least || ReturnTime > TimeSpan.FromHours(1))
            yield return new("has to lie between the shortest lease and one hour", [nameof(ReturnTime)]);
        if (ForgetAfter < Most)
            yield return new("has to be at least as long as the longest lease", [nameof(ForgetAfter)]);
    }
}
