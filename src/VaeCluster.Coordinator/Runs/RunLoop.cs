using System.Collections.Concurrent;
using System.Collections.Immutable;
using System.Threading.Channels;
using VaeCluster.Coordinator.Membership;
using VaeCluster.Coordinator.Status;
using VaeCluster.Protocol.Tracing;
using Wire = VaeCluster.Protocol.V1;

namespace VaeCluster.Coordinator.Runs;

/// <summary>How a coordinator's work ended.</summary>
public enum CoordinatorEnd
{
    /// <summary>The last step is done and recorded.</summary>
    Completed,

    /// <summary>The run can't go on.</summary>
    Failed,

    /// <summary>Another coordinator has taken a newer term of the run.</summary>
    Superseded,

    /// <summary>It was told to stop.</summary>
    Stopped,
}

/// <param name="End">How.</param>
/// <param name="Reason">One sentence.</param>
public sealed record CoordinatorOutcome(CoordinatorEnd End, string Reason);

/// <summary>
/// The one thread that knows: takes events in order, hands them to the <see cref="RunMachine"/>, carries its effects out.
/// Nothing here waits for a worker, the disk or the network.
/// </summary>
internal sealed class RunLoop(
    RunMachine machine, RunStore store, CoordinatorOptions options, CoordinatorMetrics metrics, CoordinatorLog log, TimeProvider clock)
{
    private static readonly TimeSpan TickTime = TimeSpan.FromMilliseconds(50);
    private static readonly TimeSpan TermCheckTime = TimeSpan.FromSeconds(2);
    private const int MostEvents = 16_384;

    /// <summary>Events before what to do is decided, where they come faster than that takes.</summary>
    private const int MostTogether = 64;

    /// <summary>
    /// About a thousand workers a decision takes a millisecond: what comes in the ten after it is left to the event that follows
    /// them, or the tick. Of fewer than these each event is decided on at once.
    /// </summary>
    private const int ManyWorkers = 200;
    private static readonly TimeSpan BetweenDecisions = TimeSpan.FromMilliseconds(10);

    private readonly Channel<RunEvent> events = Channel.CreateBounded<RunEvent>(new BoundedChannelOptions(MostEvents) { SingleReader = true });
    private readonly ConcurrentDictionary<long, WorkerStream> streams = new();
    private readonly PlanForms planForms = new();
    private readonly long start = clock.GetTimestamp();
    private volatile RunView view = new(machine.Run, "");
    private int checkingTerm;
    private ulong newestTerm;
    private long lastStream;

    public TimeSpan Now => clock.GetElapsedTime(start);

    /// <summary>What is known, and why nothing else is done, as of the last event. Any thread.</summary>
    public RunView View => view;

    /// <summary>The same for people. Any thread.</summary>
    public Wire.RunStatus Status
    {
        get
        {
            var (run, reason) = view;
            return StatusView.Describe(run, reason, Now, options, metrics.RefusedCounts());
        }
    }

    /// <summary>Set before the first event.</summary>
    public Journal? Journal { get; set; }

    /// <summary>Told each step that is done, in order; must not block. A run that went back to a checkpoint does steps again.</summary>
    public Action<Wire.StepRecord>? StepDone { get; set; }

    /// <summary>Steps between two that are traced; 0 for none.</summary>
    public long TraceSteps { get; set; }

    /// <summary>Told when the run is completed.</summary>
    public Action? Completed { get; set; }

    /// <summary>Set once the run is completed, for a coordinator that stays.</summary>
    public CoordinatorOutcome? Outcome { get; private set; }

    public WorkerStream OpenStream()
    {
        var stream = new WorkerStream(Interlocked.Increment(ref lastStream), options.MostUnread);
        streams[stream.Number] = stream;
        return stream;
    }

    public void EndStream(WorkerStream stream)
    {
        streams.TryRemove(stream.Number, out _);
        stream.Dispose();
    }

    /// <summary>Waits while the loop is behind.</summary>
    public ValueTask PostAsync(RunEvent happened, CancellationToken cancellationToken = default) => events.Writer.WriteAsync(happened, cancellationToken);

    public async Task<CoordinatorOutcome> RunAsync(CancellationToken cancellationToken)
    {
        using var ticks = clock.CreateTimer(_ => events.Writer.TryWrite(new RunEvent.Tick()), null, TickTime, TickTime);
        var (last, checkedTerm, decidesAgain, finished, together) = (Now, Now, TimeSpan.Zero, (TimeSpan?)null, 0);
        await foreach (var happened in events.Reader.ReadAllAsync(cancellationToken).ConfigureAwait(false))
        {
            // 1. A time in which we heard nobody is not held against anybody.
            var now = Now;
            if (now - last > options.Lease.Least / 2)
            {
                log.Paused(now - last);
                CarryOut(machine.Handle(new RunEvent.Paused(now - last), now));
            }
            last = now;

            // 2. The event.
            metrics.Count(happened);
            var halt = machine.Run.Halt;
            var moreFollows = now < decidesAgain || (events.Reader.TryPeek(out _) && ++together < MostTogether);
            if (!moreFollows) together = 0;
            var effects = machine.Handle(happened, now, moreFollows);
            CarryOut(effects);
            if (!moreFollows && machine.Run.Workers.Count >= ManyWorkers) decidesAgain = now + BetweenDecisions;
            if (halt is not null) TraceRecovery(halt, effects, now);
            Show(now);

            // 3. The end: of the run once the workers have saved and left, or of this coordinator.
            if (happened is not RunEvent.Tick) continue;
            if (Outcome is null && machine.Run.Finished is { } finish)
            {
                finished ??= now;
                // Who never had a model has nothing to save.
                var alive = machine.Run.Workers.Values.Any(worker => worker is { Stream: not null, IsReady: true });
                if (!alive || now - finished > options.FinishTime)
                {
                    if (finish.Kind != Wire.Finish.Types.Kind.Completed) return new(CoordinatorEnd.Failed, finish.Reason);
                    Outcome = new(CoordinatorEnd.Completed, finish.Reason);
                    Completed?.Invoke();
                    if (!options.Stay) return Outcome;
                    log.Stays(finish.Reason);
                }
            }
            if (now - checkedTerm > TermCheckTime)
            {
                checkedTerm = now;
                CheckTerm();
            }
            if (Volatile.Read(ref newestTerm) > store.Term)
                return new(CoordinatorEnd.Superseded, $"Another coordinator has taken term {newestTerm} of this run; this one had {store.Term}.");
        }
        throw new InvalidOperationException("The loop's events ended.");
    }

    private void CarryOut(IReadOnlyList<RunEffect> effects)
    {
        foreach (var effect in effects)
        {
            switch (effect)
            {
                case RunEffect.Send send when streams.TryGetValue(send.Stream, out var stream):
                    var message = send.Message.Plan is null ? send.Message : planForms.Of(send.Message, stream.Told);
                    stream.Told = send.Message.Plan ?? stream.Told;
                    if (!stream.TrySend(message)) Refuse(Refusal.SlowReader, $"Stream {send.Stream} does not read; it is ended.");
                    break;
                case RunEffect.Close close when streams.TryGetValue(close.Stream, out var stream):
                    stream.Close();
                    break;
                case RunEffect.Append append:
                    Journal!.Append(append.Entry);
                    break;
                case RunEffect.StepDone done:
                    StepDone?.Invoke(done.Record);
                    Trace(done.Record);
                    break;
                case RunEffect.CopyJournal:
                    Journal!.Copy();
                    break;
                case RunEffect.StoreFingerprint stored:
                    StoreFingerprint(stored.Fingerprint);
                    break;
                case RunEffect.Refused refused:
                    Refuse(refused.What, refused.Reason);
                    break;
                case RunEffect.Planned planned:
                    metrics.Planned(planned.Plan, planned.InForce);
                    log.Planned(planned.Plan, planned.InForce);
                    break;
                case RunEffect.WorkerChanged changed:
                    log.WorkerChanged(changed.Worker, changed.What, changed.IsLoss);
                    break;
                case RunEffect.NewerTermTold:
                    CheckTerm();
                    break;
            }
        }
    }

    private void Trace(Wire.StepRecord record)
    {
        var steps = (long)record.Step + 1;
        if (TraceSteps == 0 || steps % TraceSteps != 0) return;
        Traces.Tell("step", machine.Run.Run, Traces.About(steps), TimeSpan.FromSeconds(record.Seconds),
            [new("vaecluster.step", steps), new("vaecluster.samples", record.Samples), new("vaecluster.loss", record.Losses?.Loss)]);
    }

    private void TraceRecovery(HaltSnapshot halt, IReadOnlyList<RunEffect> effects, TimeSpan now)
    {
        foreach (var planned in effects.OfType<RunEffect.Planned>().Where(planned => planned.InForce))
        {
            Traces.Tell("recovery", machine.Run.Run, planned.Plan.Generation.ToString(), now - halt.Since,
                [new("vaecluster.cause", halt.Cause.ToString()), new("vaecluster.reason", halt.Reason), new("vaecluster.members", planned.Plan.Members.Length)]);
        }
    }

    public void Refuse(Refusal what, string reason)
    {
        metrics.Refused(what);
        log.Refused(what, reason);
    }

    public void JournalFailed(string reason)
    {
        metrics.JournalFailed();
        log.JournalFailed(reason);
    }

    private void Show(TimeSpan now)
    {
        if (machine.Reason != view.Reason) log.Reason(machine.Reason);
        view = new(machine.Run, machine.Reason);
        metrics.Show(view.Run, now, options.Lease);
    }

    private void StoreFingerprint(ImmutableSortedDictionary<string, string> fingerprint)
    {
        try
        {
            store.WriteFingerprint(fingerprint);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            log.NoFingerprint(exception.Message);
        }
    }

    /// <summary>Asks the storage, which may be slow, beside the loop.</summary>
    private void CheckTerm()
    {
        if (Interlocked.Exchange(ref checkingTerm, 1) == 1) return;
        _ = Task.Run(() =>
        {
            try
            {
                Volatile.Write(ref newestTerm, store.NewestTerm());
            }
            catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
            {
                log.StorageUnreachable(exception.Message);
            }
            finally
            {
                Volatile.Write(ref checkingTerm, 0);
            }
        });
    }
}

/// <summary>What is known, and why nothing else is done.</summary>
internal sealed record RunView(RunSnapshot Run, string Reason);
