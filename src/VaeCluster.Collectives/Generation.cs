namespace VaeCluster.Collectives;

/// <summary>Which plan: the coordinator's term, and the plan's number in it. Ordered by term, then by number.</summary>
public readonly record struct Generation(ulong Term, ulong Number) : IComparable<Generation>
{
    public int CompareTo(Generation other)
    {
        var terms = Term.CompareTo(other.Term);
        return terms != 0 ? terms : Number.CompareTo(other.Number);
    }

    public static bool operator <(Generation left, Generation right) => left.CompareTo(right) < 0;

    public static bool operator >(Generation left, Generation right) => left.CompareTo(right) > 0;

    public static bool operator <=(Generation left, Generation right) => left.CompareTo(right) <= 0;

    public static bool operator >=(Generation left, Generation right) => left.CompareTo(right) >= 0;

    public override string ToString() => $"{Term}.{Number}";
}
