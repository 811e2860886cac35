using System.Collections.Immutable;
using VaeCluster.Coordinator.Plans;
using VaeCluster.Protocol.Segments;

namespace VaeCluster.Coordinator.Membership;

/// <summary>Between plans: members end their collectives and answer with the state that they hold.</summary>
/// <param name="Generation">Of the plan to come.</param>
/// <param name="Since">When the Halt was sent.</param>
/// <param name="Cause">What made it necessary.</param>
/// <param name="Reason">The same, as a sentence.</param>
/// <param name="Asked">Who has to answer, in rank order.</param>
/// <param name="Answers">State of each that has answered; null where it holds none.</param>
public sealed record HaltSnapshot(
    PlanGeneration Generation,
    TimeSpan Since,
    PlanCause Cause,
    string Reason,
    ImmutableArray<string> Asked,
    ImmutableDictionary<string, ulong?> Answers)
{
    private readonly HashSet<string> asked = Asked.ToHashSet(StringComparer.Ordinal);

    /// <summary>In rank order.</summary>
    public ImmutableArray<string> Asked
    {
        get;
        init => (field, asked) = (value, value.ToHashSet(StringComparer.Ordinal));
    } = Asked;

    public bool IsAsked(string worker) => asked.Contains(worker);
}
