using System.Diagnostics;
using Microsoft.Extensions.Logging;
using VaeCluster.Checkpoints;
using VaeCluster.Collectives;
using VaeCluster.Data.Pipeline;
using VaeCluster.Protocol.V1;
using VaeCluster.Worker.Control;
using VaeCluster.Worker.Links;
using VaeCluster.Worker.Metrics;
using VaeCluster.Worker.State;
using VaeCluster.Worker.Training;
using Generation = VaeCluster.Collectives.Generation;

namespace VaeCluster.Worker.Hosting;

/// <summary>
/// A member of the run, on the training thread, which owns the tensors: does what the coordinator says, and round after
/// round of the plan in between.
/// <code>
/// plan with a first step    end what runs; open the exchange there; copy the state where another one is held; go on
/// plan without one          hold it ready; switch after the first step in which all who compute held it
/// halt                      end what runs, tell the state that is held
/// restore                   load the newest checkpoint, or what the seed gives
/// finish                    save, and leave
/// </code>
/// </summary>
internal sealed partial class Member : IDisposable
{
    /// <summary>Between two looks at whether a worker that was asked to leave has waited long enough.</summary>
    private static readonly TimeSpan IdleTime = TimeSpan.FromMilliseconds(200);

    /// <summary>A worker that was asked to leave waits so long for a coordinator that is away.</summary>
    private static readonly TimeSpan LeaveAloneAfter = TimeSpan.FromSeconds(2);

    /// <summary>A worker that leaves gives the others so long to take what it has sent.</summary>
    private static readonly TimeSpan DrainTime = TimeSpan.FromSeconds(5);

    private readonly string workerId;
    private readonly TrainingParts parts;
    private readonly CoordinatorConnection connection;
    private readonly PeerLinks links;
    private readonly StateSource source;
    private readonly Mailbox mailbox;
    private readonly RunOutput output;
    private readonly Action comeBack;
    private readonly WorkerMetrics metrics;
    private readonly ILogger logger;
    private readonly StateLayout layout;
    private readonly StateArrival arrival;
    private readonly ExchangedSum sum;
    private readonly MemberRounds rounds;
    private readonly MemberReports reports;
    private readonly TrainingTime time;
    private readonly KnownPlans plans = new();

    /// <summary>The state in hand is one that counts.</summary>
    private bool holdsState;

    /// <summary>The round in hand was given up: what comes next, the coordinator says.</summary>
    private bool isStopped;

    /// <summary>The next round is the first one after a step, or under a plan.</summary>
    private bool atBoundary;
    private bool planBegins;
    private long? leavingSince;
    private MemberEnd? end;

    /// <summary>The last plan that this worker had a part in named it as the writer.</summary>
    private bool wasWriter;
    private volatile Standing standing = new();

    public Member(string workerId, string run, TrainingParts parts, CoordinatorConnection connection, PeerLinks links, PeerDialer dialer,
        StateSource source, Mailbox mailbox, RunOutput output, WorkerMetrics metrics, TrainingTime time, IFloatArena? arena, Action comeBack, ILogger logger)
    {
        (this.workerId, this.parts, this.connection, this.links, this.source) = (workerId, parts, connection, links, source);
        (this.mailbox, this.output, this.metrics, this.time, this.comeBack, this.logger) = (mailbox, output, metrics, time, comeBack, logger);
        layout = MemberState.LayoutOf(parts.State);
        arrival = new StateArrival(run, layout, dialer, mailbox, logger);
        Exchange = new Exchange(ExchangedSum.LayoutOf(run, parts), links.Cut, arena);
        sum = new ExchangedSum(Exchange, parts.State.Parameters, () => mailbox.IsInterrupted);
        reports = new MemberReports(parts, connection);
        rounds = new MemberRounds(parts, sum, connection, mailbox, metrics, Pace, output);
        output.Records = rounds.Unrecorded;
        source.Attach(layout);
        links.Attach(run, Exchange);
    }

    public Exchange Exchange { get; }

    public StepPace Pace { get; } = new();

    public Standing Standing => standing;

    public Ready ReadyMessage() => reports.ReadyMessage(standing);

    /// <summary>What has been read ahead. Any thread.</summary>
    public PipelineSnapshot Images => parts.Images.Snapshot();

    /// <summary>Share of the state copied, 0 to 1.</summary>
    public double CopiedShare => arrival.Share;

    /// <summary>Until the end.</summary>
    public MemberEnd Run()
    {
        Publish();
        reports.Ready(standing);
        while (true)
        {
            mailbox.DoAll();
            if (end is not null) break;
            time.WentInto(TimePart.Wait);
            if (LeavesAlone())
            {
                Save();
                end = new(MemberEndKind.Left, "The coordinator is away, and this worker was asked to leave.");
            }
            else if (IsGoing) Round();
            else mailbox.Wait(IdleTime);
        }
        // Who leaves has done the step for good, and the others may still be reading its part.
        if (end.Kind == MemberEndKind.Left) _ = links.DrainAsync().Wait(DrainTime);
        Exchange.End(end.Reason);
        return end;
    }

    // ---- the state

    /// <param name="steps">The state after so many steps; null for whatever a source holds.</param>
    private void Copy(long? steps)
    {
        arrival.Begin(plans.Current!, steps, snapshot => Copied(steps, snapshot));
        Publish();
    }

    private void Copied(long? steps, StateSnapshot? arrived)
    {
        using var snapshot = arrived;
        var isSpare = plans.Current!.Self.IsSpare;
        if (snapshot is null)
        {
            // The others are under the next plan already: what this spare would copy does not fit what it has queued.
            if (isSpare && plans.Next is not null) ComeBack();
            else Copy(steps);
            return;
        }
        MemberState.Load(parts.State, snapshot);
        holdsState = true;
        HostingLog.Copied(logger, snapshot.CompletedSteps, layout.TotalBytes);
        if (isSpare) Exchange.SkipTo(parts.Rounds.First(parts.State.Step));
        Resume();
        connection.HeartbeatNow();
        reports.Ready(standing);
    }

    /// <summary>The state is here: from its first round on.</summary>
    private void Resume()
    {
        rounds.Resume();
        atBoundary = true;
        metrics.Holds(parts.State.Step);
        Aim();
        Publish();
        rounds.Tell(null, plans.Current!, Owner);
        TellRecords();
    }

    private void Aim()
    {
        if (plans.Current?.Self.Slots is { } slots) parts.Images.Aim(slots.Start, slots.Count, parts.State.Step, parts.State.TotalSteps);
    }

    /// <summary>Between two steps: others may copy the state, and it is saved where it is time.</summary>
    private void Boundary()
    {
        var plan = plans.Current!;
        source.AtBoundary(plan.Generation, parts.State.Step, planBegins && plan.SomeCopy, snapshot => MemberState.Fill(parts.State, snapshot));
        (atBoundary, planBegins) = (false, false);
        if (plan.IsWriter) output.SaveIfDue(Owner);
    }

    private CheckpointOwner Owner => new(workerId, plans.Newest.Term, plans.Newest.Number);

    private void Save()
    {
        if (holdsState && wasWriter) output.Save(Owner);
    }

    // ---- rounds

    private bool IsGoing => plans.Current is not null && holdsState && !arrival.IsUnderWay && !isStopped && !plans.IsAwaiting && !rounds.AreDone;

    private bool LeavesAlone() => leavingSince is { } since && !connection.IsConnected && Stopwatch.GetElapsedTime(since) > LeaveAloneAfter;

    private void Round()
    {
        if (atBoundary) Boundary();
        time.WentInto(TimePart.Save);
        var (under, isStep) = (plans.Current!, !rounds.ValidatesNext);
        try
        {
            var begun = Exchange.Begin(rounds.Next, under.Generation, plans.Newest);
            isStopped = !begun || !rounds.Compute(under);
            time.WentInto(rounds.TimeOf(under));
            if (isStopped)
            {
                if (begun && isStep) metrics.StepRedone();
                HostingLog.Stopped(logger, Exchange.EndReason ?? "It was interrupted.");
                if (!begun && under.Self.IsSpare && !mailbox.IsInterrupted) ComeBack();
                return;
            }
            atBoundary = isStep;
            Publish();
            rounds.Record(under, Owner);
            TellRecords();
            time.WentInto(TimePart.Save);
            // No plan takes effect after a validation.
            if (isStep && sum.LowestHeld > under.Generation && plans.SwitchTo(sum.LowestHeld) is { } switched) Switch(switched);
        }
        catch (OperationCanceledException)
        {
            isStopped = true;
            if (isStep) metrics.StepRedone();
            time.WentInto(rounds.TimeOf(under));
        }
        catch (Exception exception)
        {
            Fail(exception);
        }
    }

    /// <summary>Nothing more comes to this spare under its plan, and nobody who computes has noticed: it is not waited for.</summary>
    public void CutOff(Generation generation)
    {
        if (Exchange.EndReason is not null || (plans.Current is { } plan && plan.Generation == generation && plan.Self.IsSpare)) ComeBack();
    }

    /// <summary>A spare that fell behind has to copy the state again, as one that has just come. Until then it holds what it holds.</summary>
    private void ComeBack()
    {
        EndPlan("This spare fell behind.");
        HostingLog.Ignored(logger, "This spare fell behind the others; it comes back as one that has just come.");
        comeBack();
    }

    /// <summary>This worker can't go on.</summary>
    private void Fail(Exception exception)
    {
        HostingLog.Failed(logger, exception, parts.Step.CurrentSlot, parts.State.Step);
        var reason = MemberReports.Brief(exception.Message);
        reports.SlotFailed(reason);
        EndPlan(reason);
        end = new(MemberEndKind.Failed, reason) { Exception = exception };
    }

    // ---- what is told

    private void Publish() => standing = new Standing
    {
        IsReady = true,
        Plan = plans.Current,
        Next = plans.Next,
        CompletedSteps = holdsState && !arrival.IsUnderWay ? parts.State.Step : null,
    };

    /// <summary>The writer's records go out; the last one only when everything is saved.</summary>
    private void TellRecords()
    {
        if (plans.Current is not { } plan) return;
        connection.SendRecords = plan.IsWriter && holdsState && (parts.State.Step < parts.State.TotalSteps || output.IsFinished);
    }

    public void Dispose()
    {
        arrival.Dispose();
        sum.Dispose();
    }
}
