namespace VaeCluster.Protocol.Segments;

/// <summary>Which plan: the coordinator's term, and the plan's number in it.</summary>
public readonly record struct PlanGeneration(ulong Term, ulong Number) : IComparable<PlanGeneration>
{
    public int CompareTo(PlanGeneration other) => (Term, Number).CompareTo((other.Term, other.Number));

    public static bool operator <(PlanGeneration left, PlanGeneration right) => left.CompareTo(right) < 0;

    public static bool operator >(PlanGeneration left, PlanGeneration right) => left.CompareTo(right) > 0;

    public static bool operator <=(PlanGeneration left, PlanGeneration right) => left.CompareTo(right) <= 0;

    public static bool operator >=(PlanGeneration left, PlanGeneration right) => left.CompareTo(right) >= 0;

    public override string ToString() => $"{Term}.{Number}";
}
