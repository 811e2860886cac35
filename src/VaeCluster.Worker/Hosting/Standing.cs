using VaeCluster.Worker.Links;

namespace VaeCluster.Worker.Hosting;

/// <summary>Where a member stands, for those who tell the coordinator on other threads.</summary>
internal sealed record Standing
{
    /// <summary>Data and model are loaded.</summary>
    public bool IsReady { get; init; }

    /// <summary>The plan that it works under.</summary>
    public MemberPlan? Plan { get; init; }

    /// <summary>The plan that it has heard of and not switched to.</summary>
    public MemberPlan? Next { get; init; }

    /// <summary>The state that it holds whole; null where it holds none.</summary>
    public long? CompletedSteps { get; init; }
}
