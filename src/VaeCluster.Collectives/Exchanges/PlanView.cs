namespace VaeCluster.Collectives;

/// <summary>A plan as one member's exchange sees it.</summary>
public sealed class PlanView
{
    public required Generation Generation { get; init; }

    /// <summary>The own rank.</summary>
    public required int Rank { get; init; }

    /// <summary>The slots of each member, by rank: empty for a spare. Together each slot once.</summary>
    public required IReadOnlyList<SlotRange> Members { get; init; }

    /// <summary>
    /// Whether a slot has no samples in a step: (step, slot). A pure function, the same in all members, of which not all
    /// slots of a step are true.
    /// </summary>
    public Func<long, int, bool> IsEmpty { get; init; } = static (_, _) => false;

    internal void Validate(int slots)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(Rank);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(Rank, Members.Count);
        var next = 0;
        foreach (var range in Members.Where(range => !range.IsEmpty).OrderBy(range => range.Start))
        {
            if (range.Start != next) throw new ArgumentException($"Slot {Math.Min(next, range.Start)} is not dealt exactly once.");
            next = range.End;
        }
        if (next != slots) throw new ArgumentException($"The plan deals {next} slots of {slots}.");
    }
}
