namespace VaeCluster.Collectives;

/// <summary>
/// A slot that is computed more than once, to be compared: a wrong gradient of one member would reach all others through
/// the sum. A function of step and plan, so that nothing is asked for.
/// </summary>
/// <param name="Slot">Its index.</param>
/// <param name="Ranks">The member that contributes it, and those next to it in the order of ranks, who compute it once more.</param>
public sealed record SlotCheck(int Slot, IReadOnlyList<int> Ranks)
{
    /// <summary>Three make a majority.</summary>
    private const int MostRanks = 3;

    /// <summary>The slot of the n-th comparison; null where there is one contributor only.</summary>
    /// <param name="n">Counts comparisons, so that slots have their turn.</param>
    /// <param name="slots">Of the run.</param>
    /// <param name="members">Slots of each member, by rank; empty for a spare.</param>
    public static SlotCheck? Of(long n, int slots, IReadOnlyList<SlotRange> members)
    {
        var slot = (int)(n % slots);
        // The right one of two siblings may be accumulated onto the left one, and is never alone then.
        if (slot % 2 == 1 && members.Any(range => range.Contains(new SlotRange(slot - 1, slot + 1)))) slot--;
        var ranks = RanksOf(slot, members);
        return ranks.Count < 2 ? null : new(slot, ranks);
    }

    /// <summary>Who computes a slot that is compared, its contributor first.</summary>
    public static IReadOnlyList<int> RanksOf(int slot, IReadOnlyList<SlotRange> members)
    {
        ArgumentNullException.ThrowIfNull(members);
        var contributors = Enumerable.Range(0, members.Count).Where(rank => !members[rank].IsEmpty).ToList();
        var owner = contributors.FindIndex(rank => members[rank].Contains(new SlotRange(slot, slot + 1)));
        if (owner < 0) return [];
        return [.. Enumerable.Range(owner, Math.Min(MostRanks, contributors.Count)).Select(at => contributors[at % contributors.Count])];
    }
}
