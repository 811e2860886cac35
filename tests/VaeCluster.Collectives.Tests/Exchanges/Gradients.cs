namespace VaeCluster.Collectives.Tests;

/// <summary>Gradients that anyone can make up: a function of step, slot and index, of very different sizes so that order shows.</summary>
internal static class Gradients
{
    public static float[] Of(long step, int slot, int length)
    {
        var values = new float[length];
        var state = (ulong)step * 0x9e37_79b9_7f4a_7c15 + (ulong)slot * 0xbf58_476d_1ce4_e5b9 + 1;
        for (var i = 0; i < length; i++)
        {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            values[i] = ((int)(state >> 40) - (1 << 23)) * MathF.ScaleB(1, (int)(state & 15) - 24);
        }
        return values;
    }

    /// <summary>A node's sum, written down as DESIGN says it; null without samples.</summary>
    public static float[]? Sum(SlotRange node, long step, int length, Func<long, int, bool> isEmpty)
    {
        if (node.Count == 1) return isEmpty(step, node.Start) ? null : Of(step, node.Start, length);
        var (left, right) = SlotTree.Split(node);
        var (a, b) = (Sum(left, step, length, isEmpty), Sum(right, step, length, isEmpty));
        if (a is null || b is null) return a ?? b;
        for (var i = 0; i < length; i++) a[i] += b[i];
        return a;
    }
}
