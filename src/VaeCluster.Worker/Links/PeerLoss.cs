using VaeCluster.Collectives;

namespace VaeCluster.Worker.Links;

/// <summary>A member that can't be exchanged with any more. Told once per plan and member.</summary>
/// <param name="WorkerId">Who.</param>
/// <param name="Rank">Its rank in the plan.</param>
/// <param name="Generation">The plan.</param>
/// <param name="Reason">One sentence.</param>
public sealed record PeerLoss(string WorkerId, int Rank, Generation Generation, string Reason)
{
    public override string ToString() => $"{WorkerId} (rank {Rank} of plan {Generation}): {Reason}";
}
