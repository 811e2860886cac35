namespace VaeCluster.Collectives;

/// <summary>A sum of two places of a piece, by number of the leaf they belong to.</summary>
/// <param name="Left">The place whose slots come first.</param>
/// <param name="Right">The other, or <see cref="JoinProgram.Nowhere"/>: then it is a copy.</param>
/// <param name="Destination">A leaf of another member (its staging), or <see cref="JoinProgram.Result"/>.</param>
/// <param name="Parent">The sum that this one is an operand of; -1 for the last.</param>
internal readonly record struct Join(int Left, int Right, int Destination, int Parent)
{
    public int Operands => Right == JoinProgram.Nowhere ? 1 : 2;
}

/// <summary>
/// How an owner joins the subtrees that the members send, for one choice of empty slots. Whoever brings the second operand
/// of a sum computes it and goes on to its parent: sums start early, and their grouping does not depend on who came first.
/// </summary>
internal sealed class JoinProgram
{
    public const int Result = -1;
    public const int Nowhere = -2;

    private readonly IReadOnlyList<SlotRange> leaves;
    private readonly Func<int, bool> isOwn;
    private readonly bool[] absent;
    private readonly List<Join> joins = [];

    /// <param name="slots">V.</param>
    /// <param name="leaves">The subtrees that cover the slots, from left to right.</param>
    /// <param name="isOwn">Whether a leaf is the owner's own: its values are not to be written to.</param>
    /// <param name="absent">Which leaves have no samples.</param>
    public JoinProgram(int slots, IReadOnlyList<SlotRange> leaves, Func<int, bool> isOwn, bool[] absent)
    {
        (this.leaves, this.isOwn, this.absent) = (leaves, isOwn, absent);
        FirstJoin = new int[leaves.Count];
        Array.Fill(FirstJoin, -1);
        var next = 0;
        var root = Compile(SlotTree.Root(slots), ref next);
        if (root.Place == Nowhere) throw new ArgumentException("A step without samples has no sum.", nameof(absent));
        if (root.Join >= 0)
        {
            joins[root.Join] = joins[root.Join] with { Destination = Result };
        }
        else
        {
            FirstJoin[root.Place] = 0;
            joins.Add(new(root.Place, Nowhere, Result, -1));
        }
        Joins = [.. joins];
    }

    /// <summary>In an order in which operands come before sums.</summary>
    public Join[] Joins { get; }

    /// <summary>The sum that a leaf is an operand of; -1 for one without samples.</summary>
    public int[] FirstJoin { get; }

    /// <summary>Whether each contributor has a leaf with samples.</summary>
    public required bool EachHasSamples { get; init; }

    public bool Fits(ReadOnlySpan<bool> others) => others.SequenceEqual(absent);

    /// <summary>Where a node's value is (Nowhere: all its slots are empty), and a place that nobody uses in its subtree.</summary>
    private (int Place, int Join, int Spare) Compile(SlotRange node, ref int next)
    {
        if (leaves[next] == node)
        {
            var leaf = next++;
            if (absent[leaf]) return (Nowhere, -1, isOwn(leaf) ? Nowhere : leaf);
            return (leaf, -1, Nowhere);
        }
        var (leftNode, rightNode) = SlotTree.Split(node);
        var left = Compile(leftNode, ref next);
        var right = Compile(rightNode, ref next);
        var spare = left.Spare != Nowhere ? left.Spare : right.Spare;
        if (left.Place == Nowhere) return (right.Place, right.Join, spare);
        if (right.Place == Nowhere) return (left.Place, left.Join, spare);

        // Two own leaves meet only where a leaf of another member lies between them or beside them in this subtree (else
        // they would be one leaf) and is absent: its staging is free.
        var destination = IsWritable(left.Place) ? left.Place : IsWritable(right.Place) ? right.Place : spare;
        if (spare == destination) spare = Nowhere;
        var join = joins.Count;
        joins.Add(new(left.Place, right.Place, destination, -1));
        Attach(left, join);
        Attach(right, join);
        return (destination, join, spare);
    }

    private bool IsWritable(int place) => !isOwn(place);

    private void Attach((int Place, int Join, int Spare) operand, int join)
    {
        if (operand.Join >= 0) joins[operand.Join] = joins[operand.Join] with { Parent = join };
        else FirstJoin[operand.Place] = join;
    }
}
