namespace VaeCluster.Collectives;

/// <summary>
/// One step's state and staging under one plan. A plan has as many as steps can be under way at once, and uses them in
/// turn. Guarded by the exchange's lock, but for the floats.
/// </summary>
internal sealed class StepSet
{
    private readonly PlanState plan;
    private readonly FloatBlock block;

    public StepSet(PlanState plan, FloatPool pool)
    {
        this.plan = plan;
        var pieces = plan.OwnPieces.Count;
        Staging = new FloatMemory[plan.Leaves.Length][];
        Contributions = new FloatMemory?[plan.Leaves.Length, plan.Buckets];
        SegmentStates = new SegmentState[plan.Leaves.Length * pieces];
        Sources = new PeerSource[plan.Leaves.Length * pieces];
        Arrivals = new byte[plan.Leaves.Length * pieces];
        Rooted = new bool[pieces];
        GatherStates = new SegmentState[plan.Table.Count];
        Held = new Generation?[plan.Contributors.Length];
        BucketLeft = new int[plan.Buckets];

        block = pool.Take(plan.StagedLeaves * plan.OwnFloats + plan.OwnHalfFloats);
        var at = 0L;
        for (var leaf = 0; leaf < plan.Leaves.Length; leaf++)
        {
            if (plan.OwnIndex >= 0 && !plan.IsOwn(leaf)) Staging[leaf] = Cut(plan.OwnLengths);
        }
        Rounded = Cut(plan.OwnHalfLengths);

        FloatMemory[] Cut(int[] lengths) => [.. lengths.Select(length =>
        {
            var view = block.View(at, length);
            at += PlanState.Padded(length);
            return view;
        })];
    }

    public long Step { get; private set; } = -1;

    public JoinProgram Program { get; private set; } = null!;

    /// <summary>Whether the own training thread is in this step: before that, nothing may be published.</summary>
    public bool Begun { get; set; }

    /// <summary>Segments on their way into the floats, and threads at work on them: while there are any, it can't be used anew.</summary>
    public int Users { get; set; }

    /// <summary>Leased when first needed.</summary>
    public ResultBlock? Result { get; set; }

    /// <summary>Partial sums over the own chunk, by leaf of another member and bucket.</summary>
    public FloatMemory[][] Staging { get; }

    /// <summary>With bf16 on the wire: the own chunk's results as sent, by bucket.</summary>
    public FloatMemory[] Rounded { get; }

    /// <summary>What the training thread passed in, by leaf and bucket.</summary>
    public FloatMemory?[,] Contributions { get; }

    /// <summary>By leaf and own piece.</summary>
    public SegmentState[] SegmentStates { get; }

    /// <summary>Where a leaf's part of a piece lies in the memory of the peer that computed it, by leaf and own piece; else it is staged.</summary>
    public PeerSource[] Sources { get; }

    /// <summary>How many operands a sum has, by join and own piece.</summary>
    public byte[] Arrivals { get; }

    /// <summary>Own pieces whose sum was finished before the step had begun.</summary>
    public bool[] Rooted { get; }

    /// <summary>By piece.</summary>
    public SegmentState[] GatherStates { get; }

    /// <summary>By contributor.</summary>
    public Generation?[] Held { get; }

    /// <summary>Pieces still missing, by bucket.</summary>
    public int[] BucketLeft { get; }

    public int BucketsLeft { get; set; }

    public void Arm(long step, JoinProgram program)
    {
        Clear();
        (Step, Program) = (step, program);
    }

    /// <summary>When everyone has been heard.</summary>
    public Generation LowestHeld()
    {
        var lowest = Held[0]!.Value;
        foreach (var held in Held)
        {
            if (held < lowest) lowest = held.Value;
        }
        return lowest;
    }

    /// <summary>Forgets the step; the floats stay.</summary>
    public void Clear()
    {
        Step = -1;
        Begun = false;
        Result = null;
        Array.Clear(Contributions);
        Array.Clear(SegmentStates);
        Array.Clear(Sources);
        Array.Clear(Arrivals);
        Array.Clear(Rooted);
        Array.Clear(GatherStates);
        Array.Clear(Held);
        plan.Table.PerBucket.CopyTo(BucketLeft, 0);
        BucketsLeft = BucketLeft.Length;
    }

    /// <summary>Leaves the floats to the next plan, or to stragglers.</summary>
    public void Retire(FloatPool pool)
    {
        if (Users > 0) return;
        pool.Return(block);
        Clear();
    }
}

/// <summary>A payload that is read where the peer has it.</summary>
internal readonly record struct PeerSource(nint Address, IPeerMemory? Memory);

internal enum SegmentState : byte
{
    Missing,

    /// <summary>Its payload is being copied.</summary>
    Landing,
    Taken,
}
