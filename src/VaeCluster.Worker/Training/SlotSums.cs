using VaeCluster.Collectives;
using VaeCluster.Torch;

namespace VaeCluster.Worker.Training;

/// <summary>
/// The flat buffers in which a member combines its slots like a binary counter: backward always writes into
/// <see cref="Current"/>; a finished left subtree waits aside until its sibling is there. At most log2(slots) + 1 buffers.
/// </summary>
internal sealed class SlotSums : IDisposable
{
    private readonly FlatParameters parameters;
    private readonly bool addInPlace;
    private readonly Stack<FlatGradient> kept = [];
    private readonly Stack<FlatGradient> free = [];
    private bool currentHoldsLeft;

    /// <param name="parameters">The model's.</param>
    /// <param name="slotIsOneBackward">
    /// No slot is cut into micro-batches. Then backward adds exactly once to each gradient, and the right one of two sibling
    /// slots may accumulate straight onto the left one's: left + right, the bits of the tree's sum, for two passes less.
    /// </param>
    public SlotSums(FlatParameters parameters, bool slotIsOneBackward)
    {
        this.parameters = parameters;
        addInPlace = slotIsOneBackward;
        Current = new FlatGradient(parameters);
        parameters.AccumulateInto(Current);
    }

    public FlatGradient Current { get; private set; }

    /// <summary>Starts a step, or one again that was given up.</summary>
    public void Reset()
    {
        while (kept.TryPop(out var buffer)) free.Push(buffer);
        currentHoldsLeft = false;
    }

    /// <summary>Before the first forward pass of a slot.</summary>
    public void BeginSlot()
    {
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
        Current = free.TryPop(out var buffer) ? buffer : new FlatGradient(parameters);
        parameters.AccumulateInto(Current);
    }

    public void AddLeft(SlotRange node)
    {
        if (AddsInPlace(node)) return;
        var left = kept.Pop();
        Current.Flat.add_(left.Flat);
        free.Push(left);
    }

    public void Dispose()
    {
        Reset();
        Current.Dispose();
        foreach (var buffer in free) buffer.Dispose();
    }

    private bool AddsInPlace(SlotRange node) => addInPlace && node.Count == 2;
}
