using System.Collections.Immutable;
using VaeCluster.Collectives;

namespace VaeCluster.Coordinator.Plans;

/// <summary>
/// Deals the slots of a step to workers of different speed: contiguous ranges in rank order, the shortest step that whole
/// slots allow, and among those the ranges with the fewest subtrees of the slot tree, since each subtree is sent apart.
/// </summary>
public static class SlotDealing
{
    /// <summary>Ranges that are looked at for the best alignment: some ten milliseconds. Beyond, it costs more than it saves.</summary>
    private const long MostTried = 400_000;

    /// <param name="slots">Of a step.</param>
    /// <param name="slotSeconds">What each worker needs for one slot; null where it was never measured.</param>
    /// <param name="mostSlots">What each can take; 0 for any number.</param>
    /// <returns>A range for each worker, empty for one that is better left out; null when they can't take all slots.</returns>
    public static ImmutableArray<SlotRange>? Deal(int slots, IReadOnlyList<double?> slotSeconds, IReadOnlyList<int> mostSlots)
    {
        ArgumentNullException.ThrowIfNull(slotSeconds);
        ArgumentNullException.ThrowIfNull(mostSlots);
        var seconds = Complete(slotSeconds);
        var limits = mostSlots.Select(most => most == 0 ? slots : Math.Min(most, slots)).ToArray();
        if (seconds.Length == 0 || limits.Sum(limit => (long)limit) < slots) return null;

        // 1. The shortest step: each slot goes to whoever would be done with it first (optimal for equal pieces).
        var counts = Counts(slots, seconds, limits);

        // 2. The same step time, with cuts at the tree's joints.
        var duration = counts.Select((count, worker) => count * seconds[worker]).Max();
        for (var worker = 0; worker < limits.Length; worker++)
        {
            limits[worker] = (int)Math.Min(limits[worker], Math.Floor(duration / seconds[worker] * (1 + 1e-9)));
        }
        var tried = limits.Sum(limit => limit + 1L) * slots;
        return Ranges(tried <= MostTried ? Align(slots, limits) : counts);
    }

    /// <summary>How long the computation of a step takes, by what was measured; null while it was not.</summary>
    public static double? Predict(IEnumerable<(int Slots, double? SlotSeconds)> contributors)
    {
        ArgumentNullException.ThrowIfNull(contributors);
        double longest = 0;
        foreach (var (slots, seconds) in contributors)
        {
            if (slots == 0) continue;
            if (seconds is null) return null;
            longest = Math.Max(longest, slots * seconds.Value);
        }
        return longest;
    }

    private static double[] Complete(IReadOnlyList<double?> slotSeconds)
    {
        var measured = slotSeconds.Where(value => value is > 0).Select(value => value!.Value).Order().ToArray();
        var median = measured.Length == 0 ? 1 : measured[measured.Length / 2];
        return [.. slotSeconds.Select(value => value is > 0 ? value.Value : median)];
    }

    private static int[] Counts(int slots, double[] seconds, int[] limits)
    {
        var counts = new int[seconds.Length];
        var queue = new PriorityQueue<int, (double Done, int Worker)>();
        for (var worker = 0; worker < counts.Length; worker++) Offer(worker);
        for (var slot = 0; slot < slots; slot++)
        {
            var worker = queue.Dequeue();
            counts[worker]++;
            Offer(worker);
        }
        return counts;

        void Offer(int worker)
        {
            if (counts[worker] < limits[worker]) queue.Enqueue(worker, ((counts[worker] + 1) * seconds[worker], worker));
        }
    }

    /// <summary>
    /// Counts within the limits, for the fewest subtrees, then for the evenest spread. cost[w][s] is the least cost for the
    /// workers from w on to take the slots from s on.
    /// </summary>
    private static int[] Align(int slots, int[] limits)
    {
        const long Unreachable = long.MaxValue / 4;
        var workers = limits.Length;
        var cost = new long[slots + 1];
        Array.Fill(cost, Unreachable);
        cost[slots] = 0;
        var choice = new int[workers, slots + 1];
        for (var worker = workers - 1; worker >= 0; worker--)
        {
            var before = new long[slots + 1];
            for (var start = 0; start <= slots; start++)
            {
                var best = Unreachable;
                for (var count = Math.Min(limits[worker], slots - start); count >= 0; count--)
                {
                    if (cost[start + count] >= Unreachable) continue;
                    // Squares weigh less than one subtree together, and are least when the counts are even.
                    var subtrees = count == 0 ? 0 : Subtrees(slots, start, start + count);
                    var total = cost[start + count] + subtrees * ((long)slots * slots + 1) + (long)count * count;
                    if (total >= best) continue;
                    best = total;
                    choice[worker, start] = count;
                }
                before[start] = best;
            }
            cost = before;
        }

        var counts = new int[workers];
        for (int worker = 0, start = 0; worker < workers; start += counts[worker++]) counts[worker] = choice[worker, start];
        return counts;
    }

    /// <summary>Number of nodes in the tree's cover of a range.</summary>
    private static int Subtrees(int slots, int start, int end)
    {
        return Count(SlotTree.Root(slots));

        int Count(SlotRange node)
        {
            if (end <= node.Start || node.End <= start) return 0;
            if (start <= node.Start && node.End <= end) return 1;
            var (left, right) = SlotTree.Split(node);
            return Count(left) + Count(right);
        }
    }

    private static ImmutableArray<SlotRange> Ranges(int[] counts)
    {
        var start = 0;
        return [.. counts.Select(count =>
        {
            var range = count == 0 ? new SlotRange(0, 0) : new SlotRange(start, start + count);
            start += count;
            return range;
        })];
    }
}
