namespace VaeCluster.Collectives;

/// <summary>Blocks that a plan has left, for the one that follows it.</summary>
internal sealed class FloatPool(IFloatArena? arena)
{
    private readonly List<FloatBlock> free = [];

    /// <summary>Contents are whatever they were.</summary>
    public FloatBlock Take(long count)
    {
        if (count == 0) return new FloatBlock(0);
        lock (free)
        {
            var best = free.Where(block => block.Count >= count).MinBy(block => block.Count);
            if (best is not null)
            {
                free.Remove(best);
                return best;
            }
        }
        return new FloatBlock(count, arena);
    }

    /// <summary>Of a block that nobody reads or writes any more.</summary>
    public void Return(FloatBlock block)
    {
        lock (free) free.Add(block);
    }

    public void Trim()
    {
        lock (free) free.Clear();
    }
}
