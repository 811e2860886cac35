using VaeCluster.Collectives;
using VaeCluster.Torch;

namespace VaeCluster.Worker.Training;

/// <summary>
/// The flat buffers in which a member combines its slots like a binary counter: backward always writes into
/// <see cref="Current"/>; a finished left subtree waits aside until its sibling is there. At most log2(slots) + 1 buffers,
/// and one more for each further subtree of a member whose range is not one.
/// </summary>
internal sealed class SlotSums : IDisposable
{
    private readonly FlatParameters parameters;
    private readonly bool addInPlace;
    private readonly IFloatArena? arena;
    private readonly Stack<FlatGradient> kept = [];
    private readonly List<FlatGradient> finished = [];
    private readonly Stack<FlatGradient> free = [];
    private bool currentHoldsLeft;
    private bool leftsAdded;
    private bool currentIsFinished;

    /// <param name="parameters">The model's.</param>
    /// <param name="slotIsOneBackward">
    /// No slot is cut into micro-batches. Then backward adds exactly once to each gradient, and the right one of two sibling
    /// slots may accumulate straight onto the left one's: left + right, the bits of the tree's sum, for two passes less.
    /// </param>
    /// <param name="arena">Where members on this host read finished sums; null for memory of this process alone.</param>
    public SlotSums(FlatParameters parameters, bool slotIsOneBackward, IFloatArena? arena = null)
    {
        (this.parameters, this.arena) = (parameters, arena);
        addInPlace = slotIsOneBackward;
        Current = parameters.NewGradient(arena);
        parameters.AccumulateInto(Current);
    }

    public FlatGradient Current { get; private set; }

    /// <summary>Starts a step, or one again that was given up: what was finished before may be written to.</summary>
    public void Reset()
    {
        while (kept.TryPop(out var buffer)) free.Push(buffer);
        foreach (var buffer in finished) free.Push(buffer);
        finished.Clear();
        currentHoldsLeft = leftsAdded = currentIsFinished = false;
    }

    /// <summary>Before the first forward pass of a slot.</summary>
    public void BeginSlot()
    {
        if (currentIsFinished)
        {
            finished.Add(Current);
            UseAnother();
        }
        if (!currentHoldsLeft) Current.Flat.zero_();
        currentHoldsLeft = false;
    }

    public void KeepLeft(SlotRange node)
    {
        if (AddsInPlace(node))
        {
            currentHoldsLeft = true;
            return;
        }
        kept.Push(Current);
        UseAnother();
    }

    public void AddLeft(SlotRange node)
    {
        if (AddsInPlace(node)) return;
        var left = kept.Pop();
        if (!leftsAdded) Current.Flat.add_(left.Flat);
        free.Push(left);
    }

    /// <summary>
    /// While the last slot's backward still runs: one bucket is complete, and gets all left subtrees that wait. Then they
    /// are not added again.
    /// </summary>
    public void AddLefts(Bucket bucket)
    {
        leftsAdded = true;
        if (kept.Count == 0) return;
        using var sum = Current.Flat.narrow(0, bucket.Offset, bucket.Count);
        // From the nearest to the farthest, as the tree goes up.
        foreach (var left in kept)
        {
            using var part = left.Flat.narrow(0, bucket.Offset, bucket.Count);
            sum.add_(part);
        }
    }

    /// <summary>The subtree is summed: its buffer stays as it is until the next <see cref="Reset"/>.</summary>
    public FlatGradient Finish()
    {
        leftsAdded = false;
        currentIsFinished = true;
        return Current;
    }

    public void Dispose()
    {
        Reset();
        Current.Dispose();
        foreach (var buffer in free) buffer.Dispose();
    }

    private bool AddsInPlace(SlotRange node) => addInPlace && node.Count == 2;

    private void UseAnother()
    {
        Current = free.TryPop(out var buffer) ? buffer : parameters.NewGradient(arena);
        currentIsFinished = false;
        parameters.AccumulateInto(Current);
    }
}
