using System.Collections.Immutable;
using VaeCluster.Collectives;
using VaeCluster.Protocol.Segments;

namespace VaeCluster.Coordinator.Plans;

/// <summary>Who computes which slots. Members are ordered by rank; contributors come first, in the order of their slots.</summary>
public sealed record Plan
{
    private readonly Dictionary<string, int> ranks = [];

    public required PlanGeneration Generation { get; init; }

    /// <summary>Null in a planned change: after the first step in which all contributors knew the plan.</summary>
    public ulong? FirstStep { get; init; }

    public required int Slots { get; init; }

    public required ImmutableArray<PlanMember> Members
    {
        get;
        init
        {
            field = value;
            // Asked for each of thousands of workers in each decision.
            ranks = value.Index().DistinctBy(entry => entry.Item.Worker).ToDictionary(entry => entry.Item.Worker, entry => entry.Index, StringComparer.Ordinal);
        }
    }

    /// <summary>Rank of the member that writes checkpoints and sends records.</summary>
    public required int Writer { get; init; }

    /// <summary>Ranks that hold the state which the plan begins with.</summary>
    public required ImmutableArray<int> Sources { get; init; }

    public required PlanCause Cause { get; init; }

    public required string Reason { get; init; }

    public IEnumerable<PlanMember> Contributors => Members.Where(member => member.Contributes);

    public int? RankOf(string worker) => ranks.TryGetValue(worker, out var rank) ? rank : null;

    public PlanMember? Find(string worker) => RankOf(worker) is { } rank ? Members[rank] : null;
}

/// <param name="Worker">Its id.</param>
/// <param name="Endpoint">Where others reach it.</param>
/// <param name="BootId">Equal for members of one host.</param>
/// <param name="Range">Its slots; empty for a spare.</param>
/// <param name="CopiesState">It does not hold the state which the plan begins with.</param>
public sealed record PlanMember(string Worker, string Endpoint, string BootId, SlotRange Range, bool CopiesState)
{
    public bool Contributes => !Range.IsEmpty;
}

/// <summary>What made a plan necessary: the label of the metric, beside the sentence.</summary>
public enum PlanCause
{
    Start,
    Join,
    Contribute,
    Leave,
    Loss,
    Failure,
    Divergence,
    Rebalance,
    Adoption,
}
