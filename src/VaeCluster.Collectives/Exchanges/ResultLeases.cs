namespace VaeCluster.Collectives;

/// <summary>A whole flat result, in views of its buckets.</summary>
internal sealed class ResultBlock
{
    public ResultBlock(IReadOnlyList<int> buckets, IFloatArena? arena)
    {
        var block = new FloatBlock(buckets.Sum(length => (long)length), arena);
        var at = 0L;
        Buckets = [.. buckets.Select(length => block.View((at += length) - length, length))];
    }

    public FloatMemory[] Buckets { get; }
}

/// <summary>Which step has which result block. Guarded by the exchange's lock.</summary>
internal sealed class ResultLeases(IReadOnlyList<int> buckets, IFloatArena? arena)
{
    private const int KeptFree = 2;

    private readonly Stack<ResultBlock> free = new();
    private readonly List<(ResultBlock Block, PlanState Plan, StepSet Set, long Step)> leases = [];

    /// <summary>Makes one ready, which is needed in any case: better allocated now than in the step.</summary>
    public void Provide()
    {
        while (free.Count > KeptFree) free.Pop();
        if (free.Count == 0) free.Push(new ResultBlock(buckets, arena));
    }

    /// <summary>A step's result; leased when first needed.</summary>
    public ResultBlock Of(PlanState plan, StepSet set)
    {
        if (set.Result is not null) return set.Result;
        set.Result = free.Count > 0 ? free.Pop() : new ResultBlock(buckets, arena);
        leases.Add((set.Result, plan, set, set.Step));
        return set.Result;
    }

    /// <summary>Takes back a plan's results of the steps before this one.</summary>
    /// <param name="plan">Null for all plans.</param>
    /// <param name="before">The first step that keeps its result.</param>
    /// <param name="reusable">False where a link may still be reading: such a block is left to it.</param>
    public void Release(PlanState? plan, long before, bool reusable)
    {
        for (var i = leases.Count - 1; i >= 0; i--)
        {
            var (block, leasedBy, set, step) = leases[i];
            if (step >= before || (plan is not null && plan != leasedBy)) continue;
            leases.RemoveAt(i);
            // Where somebody has not finished copying into it, the block is his, and garbage when he is done.
            if (reusable && !(set.Step == step && set.Users > 0)) free.Push(block);
        }
    }
}
