namespace VaeCluster.Collectives;

/// <summary>The slots [Start, End).</summary>
public readonly record struct SlotRange(int Start, int End)
{
    public int Count => End - Start;

    public bool IsEmpty => End <= Start;

    public bool Contains(SlotRange other) => Start <= other.Start && other.End <= End;

    public bool Overlaps(SlotRange other) => Start < other.End && other.Start < End;

    public override string ToString() => $"[{Start}, {End})";
}
