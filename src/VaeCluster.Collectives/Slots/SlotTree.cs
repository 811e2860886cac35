using System.Numerics;

namespace VaeCluster.Collectives;

/// <summary>
/// The one binary tree over the slots [0, V) in which gradients are summed, whatever the plan: a node splits at the largest
/// power of two below its size. Floating-point sums depend on their grouping; this fixes it, so that a step's result does not
/// depend on who computed which slot.
/// </summary>
public static class SlotTree
{
    public static SlotRange Root(int slots) => new(0, slots);

    /// <summary>The two children of a node of more than one slot.</summary>
    public static (SlotRange Left, SlotRange Right) Split(SlotRange node)
    {
        if (node.Count < 2) throw new ArgumentException($"{node} is a leaf.", nameof(node));
        var middle = node.Start + (1 << BitOperations.Log2((uint)node.Count - 1));
        return (new(node.Start, middle), new(middle, node.End));
    }

    /// <summary>The fewest whole subtrees that make up a range, from left to right: what a member sends.</summary>
    public static IReadOnlyList<SlotRange> Cover(int slots, SlotRange range)
    {
        var cover = new List<SlotRange>();
        Collect(Root(slots));
        return cover;

        void Collect(SlotRange node)
        {
            if (!range.Overlaps(node)) return;
            if (range.Contains(node))
            {
                cover.Add(node);
                return;
            }
            var (left, right) = Split(node);
            Collect(left);
            Collect(right);
        }
    }

    /// <summary>
    /// Evaluates a node depth first, left before right. A slot without samples is absent: its sibling stands for the parent.
    /// </summary>
    /// <param name="node">The subtree.</param>
    /// <param name="isEmpty">Whether a slot has no samples in this step.</param>
    /// <param name="leaf">Computes a slot.</param>
    /// <param name="keepLeft">Called between the children of a node, when the left one is computed: put it aside.</param>
    /// <param name="addLeft">Called after the right child of that node: add the left one, put aside last, to it.</param>
    /// <returns>False when all slots of the node are empty.</returns>
    public static bool Evaluate(SlotRange node, Func<int, bool> isEmpty, Action<int> leaf,
        Action<SlotRange> keepLeft, Action<SlotRange> addLeft)
    {
        if (node.Count == 1)
        {
            if (isEmpty(node.Start)) return false;
            leaf(node.Start);
            return true;
        }
        var (left, right) = Split(node);
        if (!Evaluate(left, isEmpty, leaf, keepLeft, addLeft)) return Evaluate(right, isEmpty, leaf, keepLeft, addLeft);
        if (!HasSamples(right, isEmpty)) return true;
        keepLeft(node);
        Evaluate(right, isEmpty, leaf, keepLeft, addLeft);
        addLeft(node);
        return true;
    }

    private static bool HasSamples(SlotRange node, Func<int, bool> isEmpty)
    {
        for (var slot = node.Start; slot < node.End; slot++)
        {
            if (!isEmpty(slot)) return true;
        }
        return false;
    }
}
