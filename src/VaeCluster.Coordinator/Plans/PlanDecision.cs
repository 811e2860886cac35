using System.Collections.Immutable;
using VaeCluster.Coordinator.Membership;
using Wire = VaeCluster.Protocol.V1;

namespace VaeCluster.Coordinator.Plans;

/// <summary>What to do now, or nothing, and why, as a sentence.</summary>
public sealed record PlanDecision(PlanAction? Action, string Reason)
{
    internal static PlanDecision Stay(string reason) => new(null, reason);
}

public abstract record PlanAction
{
    /// <summary>After a restart: go on with the plan that workers told of, if any; halt it at once where a reason is given.</summary>
    public sealed record Adopt(Plan? Plan, Plan? Next, string? HaltReason) : PlanAction;

    /// <summary>End the plan in force, and those not yet switched to.</summary>
    public sealed record Halt(PlanCause Cause) : PlanAction;

    /// <summary>The plan begins with its first step, now.</summary>
    public sealed record Install(Plan Plan) : PlanAction;

    /// <summary>The plan begins after the first step in which all contributors knew it.</summary>
    public sealed record Change(Plan Plan) : PlanAction;

    /// <summary>There is nobody to plan with: no plan is in force any more.</summary>
    public sealed record Drop : PlanAction;

    /// <summary>Load the newest checkpoint.</summary>
    public sealed record Restore(ImmutableArray<string> Workers) : PlanAction;

    public sealed record PutOut(string Worker, Exclusion Exclusion) : PlanAction;

    /// <summary>These hold a wrong state; they have to copy the right one.</summary>
    public sealed record Distrust(ImmutableArray<string> Workers) : PlanAction;

    /// <summary>Nobody knows whose state is right: back to a checkpoint.</summary>
    public sealed record GoBack : PlanAction;

    /// <summary>They asked to leave, and nobody remains to hand the slots to.</summary>
    public sealed record Release(ImmutableArray<string> Workers) : PlanAction;

    public sealed record Finish(Wire.Finish.Types.Kind Kind) : PlanAction;
}
