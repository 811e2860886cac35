namespace VaeCluster.Collectives;

/// <summary>Plans: taken up, made ready, switched to, let go.</summary>
public sealed partial class Exchange
{
    /// <summary>The current plan and those prepared.</summary>
    private readonly Dictionary<Generation, PlanState> plans = [];

    /// <summary>Plans left as planned, with their last step: their links may not have sent everything yet.</summary>
    private readonly List<(PlanState Plan, long LastStep)> lingering = [];

    private Generation highest;
    private TaskCompletionSource plansChanged = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>
    /// Takes up a plan newer than all before it, giving up what runs. Its segments are accepted from now on, from this step on.
    /// </summary>
    /// <param name="plan">The plan.</param>
    /// <param name="links">By rank, null at the own one.</param>
    /// <param name="step">
    /// The first step. Null for a spare that can't know it: it is that of the first segment, and the spare says by
    /// <see cref="SkipTo"/> where it begins.
    /// </param>
    public void Open(PlanView plan, IReadOnlyList<ISegmentLink?> links, long? step)
    {
        ArgumentNullException.ThrowIfNull(plan);
        ArgumentNullException.ThrowIfNull(links);
        if (step < 0) throw new ArgumentOutOfRangeException(nameof(step));
        if (step is null && !plan.Members[plan.Rank].IsEmpty) throw new ArgumentNullException(nameof(step), "Who has slots knows where the plan begins.");
        ThrowIfOld(plan);
        End($"Plan {plan.Generation} is opened.");
        lock (gate)
        {
            // One that ended the exchange from inside its work may still be on its way out.
            while (busy > 0) Monitor.Wait(gate);
            // After End nobody reads what we pushed; who is still copying into a set keeps it.
            results.Release(null, long.MaxValue, reusable: true);
            foreach (var state in plans.Values) state.Retire();
            lingering.Clear();
            plans.Clear();
            running = null;
        }
        var opened = new PlanState(layout, plan, links, pool);
        pool.Trim();
        lock (gate)
        {
            results.Provide();
            (current, position, missed) = (opened, step ?? Unknown, NothingMissed);
            (ended, ending, endReason) = (false, false, null);
            Add(opened);
        }
    }

    /// <summary>Makes ready for a plan that is going to follow the current one. Its segments are accepted from now on.</summary>
    /// <returns>False when the exchange has ended: then only Open helps.</returns>
    public bool Prepare(PlanView plan, IReadOnlyList<ISegmentLink?> links)
    {
        ArgumentNullException.ThrowIfNull(plan);
        ArgumentNullException.ThrowIfNull(links);
        ThrowIfOld(plan);
        lock (gate)
        {
            if (ending || ended) return false;
        }
        var prepared = new PlanState(layout, plan, links, pool);
        lock (gate)
        {
            if (ending || ended) return false;
            Add(prepared);
            return true;
        }
    }

    /// <summary>
    /// Completes when segments of this generation can be judged: true when its plan is open or prepared, false when a newer
    /// one is. A peer may have its plan earlier than we do: await this before the first segment of a stream.
    /// </summary>
    public async ValueTask<bool> WaitForPlanAsync(Generation generation, CancellationToken cancellationToken)
    {
        while (true)
        {
            Task changed;
            lock (gate)
            {
                if (generation <= highest) return plans.ContainsKey(generation);
                changed = plansChanged.Task;
            }
            await changed.WaitAsync(cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>Spares whose links have more than the queue's steps to send, up to this one, hold memory that is needed: they are out.</summary>
    /// <returns>The first step whose results a link may still read.</returns>
    private long LeaveLaggardsBehind(long step)
    {
        var plan = current!;
        var needed = step + 1;
        // What is rounded for the wire lies in the step's own staging, which is used again after two steps.
        var oldest = step - (layout.Format == WireFormat.Fp32 ? layout.QueuedSteps : 0);
        foreach (var rank in plan.IsSpare ? [] : plan.Spares)
        {
            if (plan.LeftBehind[rank]) continue;
            var sent = step;
            while (sent >= oldest && !plan.Links[rank]!.TryRelease(sent)) sent--;
            if (sent >= oldest)
            {
                needed = Math.Min(needed, sent + 1);
                continue;
            }
            plan.LeftBehind[rank] = true;
            plan.Links[rank]!.Drop();
            spareLeftBehind?.Invoke(plan.Generation, rank);
        }
        for (var i = lingering.Count - 1; i >= 0; i--)
        {
            if (lingering[i].LastStep <= step) LetGo(i);
        }
        return needed;
    }

    /// <summary>Of a plan that was left, nobody is dropped: what its links still have to send is not used again.</summary>
    private void LetGo(int index)
    {
        var (plan, last) = lingering[index];
        var released = Array.TrueForAll(plan.Links, link => link is null || link.TryRelease(last));
        lock (gate)
        {
            lingering.RemoveAt(index);
            results.Release(plan, long.MaxValue, released);
            if (released) plan.Retire();
            pool.Trim();
        }
    }

    private void SwitchTo(PlanState plan, long step)
    {
        lingering.Add((current!, step - 1));
        foreach (var left in plans.Values.Where(other => other.Generation < plan.Generation).ToList())
        {
            plans.Remove(left.Generation);
            if (left == current) continue;
            // Prepared and overtaken: it has sent nothing.
            results.Release(left, long.MaxValue, reusable: true);
            left.Retire();
        }
        current = plan;
    }

    private void Add(PlanState plan)
    {
        plans.Add(plan.Generation, plan);
        highest = plan.Generation;
        plansChanged.SetResult();
        plansChanged = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }

    private void ThrowIfOld(PlanView plan)
    {
        lock (gate)
        {
            if (plan.Generation <= highest) throw new ArgumentException($"Plan {plan.Generation} is not newer than {highest}.", nameof(plan));
        }
    }
}
