namespace VaeCluster.Collectives.Tests;

/// <summary>A member's training thread, as the worker's would be.</summary>
internal sealed class Member(ExchangeLayout layout, Action<Generation, int>? leftBehind = null, IFloatArena? arena = null)
{
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(60);

    private readonly Dictionary<SlotRange, FloatMemory[]> sums = [];

    public Exchange Exchange { get; } = new(layout, leftBehind, arena);

    public PlanView Plan { get; private set; } = null!;

    /// <summary>The newest plan that is open or prepared.</summary>
    public Generation Held { get; set; }

    public void Open(PlanView plan, IReadOnlyList<ISegmentLink?> links, long step)
    {
        Exchange.Open(plan, links, step);
        (Plan, Held) = (plan, plan.Generation);
    }

    public void SwitchTo(PlanView plan) => Plan = plan;

    public bool Begin(long step) => Exchange.Begin(step, Plan.Generation, Held);

    /// <summary>Sums the own slots and contributes them, last bucket first, as backward does.</summary>
    public void Contribute(long step)
    {
        if (Plan.Members[Plan.Rank].IsEmpty) return;
        foreach (var node in SlotTree.Cover(layout.Slots, Plan.Members[Plan.Rank]))
        {
            var values = Gradients.Sum(node, step, (int)layout.Length, Plan.IsEmpty);
            if (values is null) continue;
            var memory = MemoryOf(node);
            var end = values.Length;
            for (var bucket = layout.Buckets.Count - 1; bucket >= 0; bucket--)
            {
                end -= layout.Buckets[bucket];
                values.AsSpan(end, layout.Buckets[bucket]).CopyTo(memory[bucket].Floats);
                if (!Exchange.Contribute(bucket, node, memory[bucket])) return;
            }
        }
    }

    public ExchangeOutcome Wait()
    {
        var outcome = Exchange.Wait(Deadline);
        Assert.True(outcome.Status != ExchangeStatus.Running, $"Rank {Plan.Rank} of plan {Plan.Generation} waited {Deadline} for its step.");
        return outcome;
    }

    public ExchangeOutcome Step(long step)
    {
        if (!Begin(step)) return new(ExchangeStatus.Ended, default, null);
        Contribute(step);
        return Wait();
    }

    public float[] Result() => [.. Enumerable.Range(0, layout.Buckets.Count).SelectMany(bucket => Exchange.Result(bucket).Floats.ToArray())];

    /// <summary>What was passed in and may be overwritten once the step has ended.</summary>
    public void Spoil()
    {
        foreach (var memory in sums.Values.SelectMany(buckets => buckets)) memory.Floats.Fill(float.NaN);
    }

    /// <summary>Own buffers, used in every step as a worker's would be.</summary>
    private FloatMemory[] MemoryOf(SlotRange node)
    {
        if (!sums.TryGetValue(node, out var memory))
        {
            sums[node] = memory = [.. layout.Buckets.Select(length => FloatMemory.Allocate(length, arena))];
        }
        return memory;
    }
}
