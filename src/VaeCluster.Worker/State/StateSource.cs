using VaeCluster.Collectives;

namespace VaeCluster.Worker.State;

/// <summary>
/// The snapshots that this member hands on. Readers say which state they want; the training thread looks in between two
/// steps and takes it when somebody waits for it. Snapshots stay while they are read, and a while after.
/// </summary>
public sealed class StateSource : IDisposable
{
    private readonly Lock gate = new();
    private readonly StateOptions options;
    private readonly TimeProvider time;
    private readonly List<Kept> kept = [];
    private readonly List<Request> requests = [];
    private readonly ITimer sweep;
    private StateLayout? layout;
    private Generation current;
    private long boundary = -1;
    private bool disposed;

    public StateSource(StateOptions? options = null, TimeProvider? time = null)
    {
        this.options = options ?? new StateOptions();
        this.time = time ?? TimeProvider.System;
        sweep = this.time.CreateTimer(_ => Sweep(), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    /// <summary>Snapshots held now.</summary>
    public int Held
    {
        get { lock (gate) return kept.Count; }
    }

    /// <summary>Readers that wait for a boundary.</summary>
    public int Waiting
    {
        get { lock (gate) return requests.Count; }
    }

    /// <summary>Called once, when the model is there: before that, readers wait.</summary>
    public void Attach(StateLayout layout)
    {
        lock (gate) this.layout = layout;
    }

    /// <summary>
    /// Called by the training thread at each step's boundary, before the next step begins.
    /// </summary>
    /// <param name="generation">The plan that the next step runs under.</param>
    /// <param name="completedSteps">The state that is held now.</param>
    /// <param name="always">
    /// Take it even when nobody has asked yet: the plan begins here, and names members that copy the state it begins with.
    /// </param>
    /// <param name="fill">Writes every part. Called on this thread, before this returns, where the state is wanted.</param>
    public void AtBoundary(Generation generation, long completedSteps, bool always, Action<StateSnapshot> fill)
    {
        ArgumentNullException.ThrowIfNull(fill);
        StateLayout parts;
        lock (gate)
        {
            (current, boundary) = (generation, completedSteps);
            if (disposed || (requests.Count == 0 && !always)) return;
            foreach (var request in requests.ToList())
            {
                if (Passes(request) is { } reason) Refuse(request, reason);
            }
            if (!requests.Exists(IsServed) && (!always || kept.Exists(other => other.Snapshot.CompletedSteps == completedSteps))) return;
            parts = layout ?? throw new InvalidOperationException("No layout is attached.");
        }
        // Outside of the lock: a copy of the state takes a while, and readers of other snapshots go on.
        var snapshot = new StateSnapshot(parts, completedSteps);
        fill(snapshot);
        lock (gate)
        {
            if (disposed)
            {
                snapshot.Dispose();
                return;
            }
            kept.Add(new Kept(generation, snapshot, time.GetTimestamp()));
            foreach (var request in requests.Where(IsServed).ToList())
            {
                requests.Remove(request);
                snapshot.TryHold();
                if (!request.Done.TrySetResult(new StateAnswer(snapshot, null))) snapshot.Dispose();
            }
            DropOldest();
            sweep.Change(options.KeepFor, options.KeepFor);
        }

        bool IsServed(Request request) => request.Generation <= generation && (request.CompletedSteps is not { } steps || steps == completedSteps);
    }

    /// <summary>
    /// A snapshot for a reader, who disposes it. One that lies ahead is waited for; without a number it is a kept one of
    /// this generation, or else the next boundary under it.
    /// </summary>
    internal async Task<StateAnswer> WaitAsync(Generation generation, long? completedSteps, CancellationToken cancellationToken)
    {
        Request request;
        lock (gate)
        {
            if (disposed) return new StateAnswer(null, "This member goes away.");
            foreach (var (of, snapshot, _) in Enumerable.Reverse(kept))
            {
                if (completedSteps is { } steps ? snapshot.CompletedSteps != steps : of != generation) continue;
                snapshot.TryHold();
                return new StateAnswer(snapshot, null);
            }
            request = new Request(generation, completedSteps);
            if (Passes(request) is { } reason) return new StateAnswer(null, reason);
            requests.Add(request);
        }
        try
        {
            return await request.Done.Task.WaitAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            lock (gate) requests.Remove(request);
            if (!request.Done.TrySetCanceled(CancellationToken.None) && request.Done.Task.Result.Snapshot is { } unread) unread.Dispose();
            throw;
        }
    }

    /// <summary>A reader is done: the snapshot's time begins anew.</summary>
    internal void Return(StateSnapshot snapshot)
    {
        lock (gate)
        {
            var at = kept.FindIndex(other => other.Snapshot == snapshot);
            if (at >= 0) kept[at] = kept[at] with { LastUse = time.GetTimestamp() };
        }
        snapshot.Dispose();
    }

    public void Dispose()
    {
        lock (gate)
        {
            if (disposed) return;
            disposed = true;
            foreach (var request in requests.ToList()) Refuse(request, "This member goes away.");
            foreach (var (_, snapshot, _) in kept) snapshot.Dispose();
            kept.Clear();
        }
        sweep.Dispose();
    }

    /// <summary>Under the lock: why a request can't be served any more.</summary>
    private string? Passes(Request request)
    {
        if (request.Generation < current) return $"Plan {request.Generation} is over here; this is {current}.";
        return request.CompletedSteps < boundary ? $"The state after {request.CompletedSteps} steps has passed; this is the one after {boundary}." : null;
    }

    private void Refuse(Request request, string reason)
    {
        requests.Remove(request);
        request.Done.TrySetResult(new StateAnswer(null, reason));
    }

    private void DropOldest()
    {
        while (kept.Count > options.MostKept)
        {
            // Those who read it keep it alive; it is only not handed out any more.
            kept[0].Snapshot.Dispose();
            kept.RemoveAt(0);
        }
    }

    private void Sweep()
    {
        lock (gate)
        {
            for (var i = kept.Count - 1; i >= 0; i--)
            {
                if (kept[i].Snapshot.IsShared || time.GetElapsedTime(kept[i].LastUse) < options.KeepFor) continue;
                kept[i].Snapshot.Dispose();
                kept.RemoveAt(i);
            }
            if (kept.Count == 0 && !disposed) sweep.Change(Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        }
    }

    private sealed record Kept(Generation Generation, StateSnapshot Snapshot, long LastUse);

    private sealed record Request(Generation Generation, long? CompletedSteps)
    {
        public TaskCompletionSource<StateAnswer> Done { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }
}

/// <summary>A snapshot that the asker holds, or why there is none.</summary>
internal readonly record struct StateAnswer(StateSnapshot? Snapshot, string? Refusal);
