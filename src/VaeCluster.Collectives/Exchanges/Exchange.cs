namespace VaeCluster.Collectives;

/// <summary>
/// One member's part in the exchange of gradients: reduce-scatter, then all-gather, bucket by bucket, step after step and
/// plan after plan.
/// <code>
/// Open(plan, links, step)                       after the start, and after End
/// SkipTo(step)                                  a spare that has copied the state meanwhile
/// per step t: Begin(t, generation, held)
///             Contribute(bucket, node, values)  as backward finishes them, for each own subtree that has samples
///             Wait(bucket) or Wait()            Completed: Result holds the sums; valid until the next Begin
/// Prepare(plan, links)                          a planned change: takes effect when Begin names its generation
/// End(reason)                                   from any thread, at any moment
/// </code>
/// Links call <see cref="Resolve"/>, then <see cref="Received"/>, from any thread, several at once; those that read a peer's
/// memory call <see cref="Take"/> instead of both. Begin, Contribute, Wait,
/// Result, SkipTo and Open belong to the training thread, Prepare to any one thread. The links of a plan that was changed
/// as planned are still needed for what they have queued; the exchange drops nothing from them.
/// </summary>
/// <remarks>
/// Why nothing is overwritten too early. A contributor is at most one step ahead of another: each waits for a segment of
/// each, in each step. So a plan has two sets of staging, by parity of the step. What was pushed in step t is taken in
/// before the peer begins t + 1, and a result of t + 1 needs all who have samples to have begun it: the block of t is free
/// then, or, where a member without samples or a spare can lag, at the Begin of t + 2.
/// One lock guards the state and is held for bookkeeping only; floats are copied, converted and added outside of it.
/// </remarks>
public sealed partial class Exchange
{
    private readonly object gate = new();
    private readonly ExchangeLayout layout;
    private readonly Action<Generation, int>? spareLeftBehind;
    private readonly FloatPool pool;
    private readonly ResultLeases results;

    private PlanState? current;

    /// <summary>The running step, or the last one that ran.</summary>
    private StepSet? running;

    /// <summary>The step that runs or, when none has yet under the opened plan, the first one, which may be unknown.</summary>
    private long position;

    /// <summary>The steps of which a spare may have had to skip segments: from the first to the last.</summary>
    private (long From, long To) missed = NothingMissed;

    private bool ended = true;
    private string? endReason = "No plan is open.";

    /// <param name="layout">The same for all members of the run.</param>
    /// <param name="spareLeftBehind">
    /// Told, on the training thread, that nothing more is sent to a spare of a plan (by rank) because it did not keep up: it has
    /// to be told to copy the state.
    /// </param>
    /// <param name="arena">Where what is sent lies, for links that let peers read it in place; null for none.</param>
    public Exchange(ExchangeLayout layout, Action<Generation, int>? spareLeftBehind = null, IFloatArena? arena = null)
    {
        ArgumentNullException.ThrowIfNull(layout);
        layout.Validate();
        (this.layout, this.spareLeftBehind) = (layout, spareLeftBehind);
        (pool, results) = (new(arena), new(layout.Buckets, arena));
    }

    /// <summary>Why no step can begin or go on; null while one can.</summary>
    public string? EndReason
    {
        get
        {
            lock (gate) return endReason;
        }
    }

    private static (long From, long To) NothingMissed => (long.MaxValue, -1);

    private const long Unknown = -1;

    /// <summary>Begins a step: the one after the last, or the first of an opened plan.</summary>
    /// <param name="step">Counted from the beginning of the run.</param>
    /// <param name="generation">The plan that it runs under: the current one, or a prepared one that takes effect now.</param>
    /// <param name="held">The newest generation that is open or prepared here.</param>
    /// <returns>False when the exchange has ended; a spare that has missed segments of this step ends itself.</returns>
    public bool Begin(long step, Generation generation, Generation held)
    {
        PlanState? plan;
        StepSet set;
        bool hasMissed;
        lock (gate)
        {
            if (ending || ended) return false;
            if (!plans.TryGetValue(generation, out plan)) throw new ArgumentException($"There is no plan {generation}.", nameof(generation));
            if (held < generation) throw new ArgumentException($"Who runs plan {generation} holds it.", nameof(held));
            ThrowIfRunning();
            if (step != Next) throw new ArgumentException($"The next step is {Next}, not {step}.", nameof(step));
            hasMissed = step >= missed.From;
        }
        if (hasMissed)
        {
            End($"This spare fell more than {layout.QueuedSteps} steps behind, before step {step}.");
            return false;
        }

        var needed = LeaveLaggardsBehind(step - 2);
        lock (gate)
        {
            if (ending || ended) return false;
            if (plan != current) SwitchTo(plan, step);
            position = step;
            set = plan.SetOf(step, position) ?? throw new ArgumentException($"All slots of step {step} are empty.", nameof(step));
            var someLag = lingering.Count > 0 || plan.CanLag(set.Program);
            results.Release(plan, someLag ? Math.Min(step - 1, needed) : step, reusable: true);
            if (!plan.IsSpare) set.Held[plan.OwnIndex] = held;
            (running, set.Begun) = (set, true);
            Use(set);
        }
        Announce(plan, set);
        return true;
    }

    /// <summary>
    /// The finished sum of one of the own subtrees over a bucket. The values have to stay as they are until the step has
    /// ended; the exchange only reads them.
    /// </summary>
    /// <returns>False when the step has ended.</returns>
    public bool Contribute(int bucket, SlotRange node, FloatMemory values)
    {
        ArgumentNullException.ThrowIfNull(values);
        ThrowIfNoBucket(bucket);
        PlanState plan;
        StepSet set;
        int leaf;
        lock (gate)
        {
            if (ending || ended) return false;
            (plan, set) = (current!, running ?? throw NoStep());
            leaf = node.IsEmpty || node.Start < 0 ? -1 : plan.LeafOf((uint)node.Start, (uint)node.Count);
            if (leaf < 0 || !plan.IsOwn(leaf)) throw new ArgumentException($"{node} is no subtree of this member's.", nameof(node));
            if (set.Program.FirstJoin[leaf] < 0) throw new ArgumentException($"{node} has no samples in step {set.Step}.", nameof(node));
            if (values.Count != layout.Buckets[bucket])
            {
                throw new ArgumentException($"Bucket {bucket} has {layout.Buckets[bucket]} floats, not {values.Count}.", nameof(values));
            }
            if (set.Contributions[leaf, bucket] is not null) throw new InvalidOperationException($"{node} has been contributed to bucket {bucket}.");
            set.Contributions[leaf, bucket] = values;
            Use(set);
        }
        return SendAndJoin(plan, set, leaf, bucket, values);
    }

    /// <summary>Waits for one bucket's result.</summary>
    public ExchangeOutcome Wait(int bucket, TimeSpan timeout)
    {
        ThrowIfNoBucket(bucket);
        return WaitFor(bucket, timeout);
    }

    /// <summary>Waits for the whole step.</summary>
    public ExchangeOutcome Wait(TimeSpan timeout) => WaitFor(-1, timeout);

    /// <summary>A completed bucket's sums. Buckets lie next to each other: that of bucket 0 is where the flat result begins.</summary>
    public FloatMemory Result(int bucket)
    {
        ThrowIfNoBucket(bucket);
        lock (gate)
        {
            if (running is null || running.BucketLeft[bucket] > 0) throw new InvalidOperationException($"Bucket {bucket} is not complete.");
            return running.Result!.Buckets[bucket];
        }
    }

    /// <summary>For a spare between steps: forgets what is queued for steps before this one, which is the next to begin.</summary>
    public void SkipTo(long step)
    {
        lock (gate)
        {
            if (current is null || ending || ended) return;
            if (!current.IsSpare) throw new InvalidOperationException("Only a spare can skip steps.");
            ThrowIfRunning();
            if (step < Next) throw new ArgumentException($"Step {step} is over.", nameof(step));
            (position, running) = (step, null);
            if (step > missed.To) missed = NothingMissed;
            results.Release(null, step, reusable: true);
        }
    }

    /// <summary>
    /// Gives the step up, and the plan with it. When it returns (within 10 ms), no values passed to Contribute are read any
    /// more, waiters are on their way back, and late segments are skipped. Idempotent. A step that had completed stays so.
    /// What follows is Open with a newer plan.
    /// </summary>
    public void End(string reason)
    {
        List<ISegmentLink> links = [];
        lock (gate)
        {
            if (ending && working == this) return;
            while (ending && !ended) Monitor.Wait(gate);
            if (ended) return;
            (ending, endReason) = (true, reason);
            // Each of them stops after the piece that it is working on.
            while (busy > (working == this ? 1 : 0)) Monitor.Wait(gate);
            foreach (var plan in plans.Values) links.AddRange(plan.Links.OfType<ISegmentLink>());
        }
        // Without the lock: a link may be on its way into a peer's exchange, and that one on its way into ours.
        foreach (var link in links) link.Drop();
        lock (gate)
        {
            if (running is not null) Array.Clear(running.Contributions);
            ended = true;
            Monitor.PulseAll(gate);
        }
    }

    private long Next => running is null ? position : position + 1;

    private ExchangeOutcome WaitFor(int bucket, TimeSpan timeout)
    {
        var start = TimeProvider.System.GetTimestamp();
        lock (gate)
        {
            while (true)
            {
                if (running is { BucketsLeft: 0 }) return new(ExchangeStatus.Completed, running.LowestHeld(), null);
                if (bucket >= 0 && running is not null && running.BucketLeft[bucket] == 0) return new(ExchangeStatus.Completed, default, null);
                if (ended) return new(ExchangeStatus.Ended, default, endReason);
                if (running is null) throw NoStep();
                var left = timeout - TimeProvider.System.GetElapsedTime(start);
                if (left <= TimeSpan.Zero) return new(ExchangeStatus.Running, default, null);
                // No more than a day at a time, which is what a wait can take.
                Monitor.Wait(gate, (int)Math.Min(Math.Ceiling(left.TotalMilliseconds), TimeSpan.MillisecondsPerDay));
            }
        }
    }

    private void ThrowIfRunning()
    {
        if (running is { BucketsLeft: > 0 }) throw new InvalidOperationException($"Step {running.Step} is not over.");
    }

    private void ThrowIfNoBucket(int bucket)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(bucket);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(bucket, layout.Buckets.Count);
    }

    private static InvalidOperationException NoStep() => new("No step has begun.");
}
