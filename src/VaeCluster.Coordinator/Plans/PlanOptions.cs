using System.ComponentModel.DataAnnotations;

namespace VaeCluster.Coordinator.Plans;

/// <summary>The section `plans`: when a plan is made, and when it is worth another.</summary>
public sealed class PlanOptions : IValidatableObject
{
    /// <summary>Workers that the first plan waits for.</summary>
    [Range(1, 4096)]
    public int MinMembers { get; set; } = 1;

    /// <summary>Workers that arrive later are gathered into one plan while others load or have just joined, for so long at most.</summary>
    public TimeSpan GatherTime { get; set; } = TimeSpan.FromSeconds(1);

    /// <summary>Share of the step's time that a rebalance has to save.</summary>
    [Range(0.01, 1)]
    public double RebalanceGain { get; set; } = 0.15;

    /// <summary>A plan is measured for so long before the slots are dealt anew.</summary>
    public TimeSpan RebalanceAfter { get; set; } = TimeSpan.FromSeconds(3);

    /// <summary>A member that has not ended its collectives after so long is put out.</summary>
    public TimeSpan HaltTime { get; set; } = TimeSpan.FromSeconds(5);

    /// <summary>Between the first report of a broken link and the judgement, so that others can report as well.</summary>
    public TimeSpan ReportTime { get; set; } = TimeSpan.FromMilliseconds(100);

    /// <summary>How long a member is kept out after its first broken link; doubled each time.</summary>
    public TimeSpan BackOff { get; set; } = TimeSpan.FromSeconds(5);

    public TimeSpan MostBackOff { get; set; } = TimeSpan.FromMinutes(5);

    public IEnumerable<ValidationResult> Validate(ValidationContext validationContext)
    {
        foreach (var (name, value) in new[]
        {
            (nameof(GatherTime), GatherTime), (nameof(RebalanceAfter), RebalanceAfter), (nameof(HaltTime), HaltTime),
            (nameof(ReportTime), ReportTime), (nameof(BackOff), BackOff), (nameof(MostBackOff), MostBackOff),
        })
        {
            if (value < TimeSpan.Zero || value > TimeSpan.FromHours(1))
                yield return new("has to lie between 0 and one hour", [name]);
        }
        if (MostBackOff < BackOff) yield return new("has to be at least as long as the first back-off", [nameof(MostBackOff)]);
    }
}
