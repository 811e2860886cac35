using System.Diagnostics;
using Google.Protobuf;
using Microsoft.Extensions.Logging;
using VaeCluster.Checkpoints;
using VaeCluster.Collectives;
using VaeCluster.Config.Runs;
using VaeCluster.Protocol.V1;
using VaeCluster.Torch;
using VaeCluster.Worker.Checkpoints;
using VaeCluster.Worker.Control;
using VaeCluster.Worker.Links;
using VaeCluster.Worker.Metrics;
using VaeCluster.Worker.State;
using VaeCluster.Worker.Training;
using Generation = VaeCluster.Collectives.Generation;
using WireFormat = VaeCluster.Collectives.WireFormat;

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
internal sealed class Member : IDisposable
{
    /// <summary>How long the newest plan may be in coming here, once others have switched to it, between two looks.</summary>
    private static readonly TimeSpan IdleTime = TimeSpan.FromMilliseconds(200);
    private static readonly TimeSpan CopyRetry = TimeSpan.FromMilliseconds(200);

    /// <summary>A worker that was asked to leave waits so long for a coordinator that is away.</summary>
    private static readonly TimeSpan LeaveAloneAfter = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan LastSave = TimeSpan.FromMinutes(5);

    private readonly string workerId;
    private readonly string run;
    private readonly TrainingParts parts;
    private readonly CoordinatorConnection connection;
    private readonly PeerLinks links;
    private readonly PeerDialer dialer;
    private readonly StateSource source;
    private readonly Mailbox mailbox;
    private readonly RunFolder? folder;
    private readonly RunCheckpoints? checkpoints;
    private readonly Action comeBack;
    private readonly WorkerMetrics metrics;
    private readonly ILogger logger;
    private readonly StateLayout layout;
    private readonly ExchangedSum sum;
    private readonly RoundOrder rounds;
    private readonly Dictionary<StreamRefusal, long> countedRefusals = [];

    private MemberPlan? plan;
    private MemberPlan? next;
    private Generation newest;

    /// <summary>The newest plan that links were opened for: whatever became of it, it is not taken up again.</summary>
    private Generation opened;

    /// <summary>The state in hand is one that counts.</summary>
    private bool holdsState;

    /// <summary>The round in hand was given up: what comes next, the coordinator says.</summary>
    private bool isStopped;

    /// <summary>Others have switched to this plan, which has not come here yet.</summary>
    private Generation awaited;
    private bool validatesNext;
    private bool atBoundary;
    private bool planBegins;
    private IReadOnlyList<SlotRange> subtrees = [];
    private CancellationTokenSource? copying;
    private StepRecord? unfinishedRecord;
    private long savedStep = -1;
    private double? validationLoss;
    private long? leavingSince;
    private MemberEnd? end;
    private bool wasWriter;
    private (long Sent, long Received) counted;
    private volatile Standing standing = new();
    private double copied;
    private string copyFailure = "";

    public Member(string workerId, string run, TrainingParts parts, CoordinatorConnection connection, PeerLinks links, PeerDialer dialer,
        StateSource source, Mailbox mailbox, RunFolder? folder, RunCheckpoints? checkpoints, WorkerMetrics metrics, Action comeBack, ILogger logger)
    {
        (this.workerId, this.run, this.parts, this.connection, this.links, this.dialer) = (workerId, run, parts, connection, links, dialer);
        (this.source, this.mailbox, this.folder, this.checkpoints, this.metrics) = (source, mailbox, folder, checkpoints, metrics);
        (this.comeBack, this.logger) = (comeBack, logger);
        rounds = parts.Rounds;
        layout = MemberState.LayoutOf(parts.State);
        var flat = parts.State.Parameters.Layout;
        Exchange = new Exchange(new ExchangeLayout
        {
            Run = run,
            Slots = parts.Order.Slots,
            Buckets = [.. flat.Buckets.Select(bucket => checked((int)bucket.Count))],
            Format = parts.Config.Train.Wire == Precision.Bf16 ? WireFormat.Bf16 : WireFormat.Fp32,
            ExactTail = (int)(flat.Length - flat.SumsOffset),
            QueuedSteps = (int)Math.Clamp((1L << 30) / (flat.Length * sizeof(float)), 4, 256),
        }, links.Cut);
        sum = new ExchangedSum(Exchange, parts.State.Parameters, () => mailbox.IsInterrupted);
        source.Attach(layout);
        links.Attach(run, Exchange);
    }

    public Exchange Exchange { get; }

    public StepPace Pace { get; } = new();

    public Standing Standing => standing;

    /// <summary>Share of the state copied, 0 to 1.</summary>
    public double CopiedShare => Volatile.Read(ref copied);

    /// <summary>Until the end.</summary>
    public MemberEnd Run()
    {
        while (true)
        {
            mailbox.DoAll();
            if (end is not null) break;
            if (LeavesAlone()) Save("The coordinator is away, and this worker was asked to leave.");
            else if (IsGoing) Round();
            else mailbox.Wait(IdleTime);
        }
        copying?.Cancel();
        Exchange.End(end.Reason);
        return end;
    }

    // ---- what the coordinator says

    /// <summary>Loaded, and without a state so far.</summary>
    public void Begin()
    {
        Publish(standing with { IsReady = true });
        TellReady();
    }

    public void Hear(Plan message)
    {
        MemberPlan heard;
        try
        {
            heard = MemberPlan.Read(message, workerId);
        }
        catch (InvalidDataException exception)
        {
            HostingLog.Ignored(logger, exception.Message);
            return;
        }
        // A halt and the plan that follows it have one generation. What is known already is told again to who connects.
        if (heard.Generation < newest || heard.Generation <= opened || (heard.Generation == newest && next is not null)) return;
        Know(heard.Generation);
        if (heard.FirstStep is { } first) Install(heard, first);
        else Announce(heard);
    }

    public void Hear(Halt halt)
    {
        var generation = new Generation(halt.Generation.Term, halt.Generation.Number);
        if (generation <= newest) return;
        Know(generation);
        EndPlan(halt.Reason);
        var halted = new Halted { Generation = halt.Generation };
        if (holdsState) halted.CompletedSteps = (ulong)parts.State.Step;
        connection.Send(new WorkerMessage { Halted = halted });
    }

    public void Hear(Restore restore)
    {
        HostingLog.Restores(logger, restore.Reason);
        var restored = checkpoints?.RestoreAsync(parts.State, CheckpointChoice.Latest, CancellationToken.None).GetAwaiter().GetResult();
        if (restored is null && parts.State.Step > 0)
        {
            using var first = parts.FirstState();
            using var snapshot = new StateSnapshot(layout, 0);
            MemberState.Fill(first, snapshot);
            MemberState.Load(parts.State, snapshot);
        }
        holdsState = true;
        Publish(standing);
        TellReady();
    }

    public void Hear(Finish finish)
    {
        if (finish.Kind == Finish.Types.Kind.Stopped) Save(finish.Reason);
        end = finish.Kind switch
        {
            Finish.Types.Kind.Completed => new(MemberEndKind.Completed, finish.Reason),
            Finish.Types.Kind.Stopped => new(MemberEndKind.Left, finish.Reason),
            _ => new(MemberEndKind.Failed, finish.Reason),
        };
    }

    /// <summary>SIGTERM: the step in hand is finished, and others take the slots.</summary>
    public void Leave(string reason)
    {
        if (leavingSince is not null) return;
        leavingSince = Stopwatch.GetTimestamp();
        connection.Send(new WorkerMessage { Goodbye = new() { Kind = Goodbye.Types.Kind.LeaveAsked, Reason = reason } });
    }

    /// <summary>A plan that is in force, beginning with a step.</summary>
    private void Install(MemberPlan installed, long first)
    {
        EndPlan($"Plan {installed.Generation} begins.");
        if (!installed.IsMember)
        {
            LeavePlan(installed);
            return;
        }
        var has = holdsState && !installed.Self.CopiesState && parts.State.Step == first;
        var isSpare = installed.Self.Slots.IsEmpty;
        Open(installed, has || !isSpare ? rounds.First(first) : null);
        if (has) Resume();
        else Copy(isSpare ? null : first);
    }

    /// <summary>A plan to switch to.</summary>
    private void Announce(MemberPlan announced)
    {
        if (plan is null)
        {
            // A joiner: the others switch, and it follows from there.
            if (!announced.IsMember || !announced.Self.Slots.IsEmpty) return;
            Open(announced, null);
            Copy(null);
            return;
        }
        if (announced.IsMember)
        {
            opened = announced.Generation;
            if (!Exchange.Prepare(announced.ToView(IsEmpty), links.Open(announced))) return;
        }
        next = announced;
        Publish(standing with { Next = next });
        if (awaited == announced.Generation) SwitchTo(awaited);
    }

    /// <summary>After the step in which all who compute held the plan.</summary>
    private void SwitchTo(Generation generation)
    {
        awaited = generation;
        if (next is null || next.Generation < generation) return;
        var switched = next;
        next = null;
        awaited = default;
        if (switched.IsMember) TakeUp(switched);
        else LeavePlan(switched);
    }

    private void Open(MemberPlan taken, long? round)
    {
        opened = taken.Generation;
        Exchange.Open(taken.ToView(IsEmpty), links.Open(taken), round);
        TakeUp(taken);
    }

    private void TakeUp(MemberPlan taken)
    {
        (opened, wasWriter) = (taken.Generation, taken.IsWriter);
        (plan, isStopped, planBegins, atBoundary) = (taken, false, true, true);
        subtrees = taken.Self.Slots.IsEmpty ? [] : SlotTree.Cover(parts.Order.Slots, taken.Self.Slots);
        Pace.Restart();
        Aim();
        links.CloseBefore(taken.Generation);
        var contributing = taken.Members.Count(member => !member.Slots.IsEmpty);
        metrics.Plan(taken.Generation, contributing, taken.Members.Count - contributing, taken.Self.Slots.Count);
        HostingLog.Planned(logger, taken.Generation, taken.Rank, taken.Members.Count, taken.Self.Slots.Count, taken.Reason);
        Publish(standing with { Plan = plan, Next = next });
        TellRecords();
        connection.HeartbeatNow();
    }

    /// <summary>No part in the plan any more. The links still have to send what they have queued.</summary>
    private void LeavePlan(MemberPlan without)
    {
        plan = null;
        links.CloseBefore(without.Generation);
        connection.SendRecords = false;
        metrics.NoPlan();
        Publish(standing with { Plan = null, Next = null });
        connection.HeartbeatNow();
        if (leavingSince is not null) end = new(MemberEndKind.Left, without.Reason);
    }

    private void EndPlan(string reason)
    {
        copying?.Cancel();
        copying = null;
        Exchange.End(reason);
        connection.SendRecords = false;
        if (plan is null && next is null) return;
        (plan, next, awaited) = (null, null, default);
        metrics.NoPlan();
        Publish(standing with { Plan = null, Next = null });
    }

    // ---- the state

    private void Copy(long? steps)
    {
        var wanted = plan!;
        copying?.Cancel();
        copying = new CancellationTokenSource();
        Volatile.Write(ref copied, 0);
        var token = copying.Token;
        Publish(standing);
        var sources = wanted.Sources.Where(rank => rank != wanted.Rank).Select(rank => wanted.Members[rank]).ToList();
        var copy = new StateCopy(layout, dialer);
        _ = Task.Run(async () =>
        {
            try
            {
                var result = await copy.RunAsync(run, wanted.Generation, steps, sources, share => Volatile.Write(ref copied, share), token).ConfigureAwait(false);
                if (!result.Succeeded) await Task.Delay(CopyRetry, token).ConfigureAwait(false);
                mailbox.Post(() => Copied(wanted, steps, result));
            }
            catch (OperationCanceledException)
            {
                // Another plan has come.
            }
        }, CancellationToken.None);
    }

    private void Copied(MemberPlan wanted, long? steps, StateCopyResult result)
    {
        using var snapshot = result.Snapshot;
        if (plan != wanted) return;
        if (snapshot is null)
        {
            if (copyFailure != result.Reason) HostingLog.CopyFailed(logger, copyFailure = result.Reason);
            // The others are under the next plan already: what this spare would copy does not fit what it has queued.
            if (plan.Self.Slots.IsEmpty && next is not null) ComeBack();
            else Copy(steps);
            return;
        }
        copying = null;
        MemberState.Load(parts.State, snapshot);
        holdsState = true;
        HostingLog.Copied(logger, snapshot.CompletedSteps, layout.TotalBytes);
        if (plan.Self.Slots.IsEmpty) Exchange.SkipTo(rounds.First(parts.State.Step));
        Resume();
        TellReady();
    }

    /// <summary>The state is here: from its first round on.</summary>
    private void Resume()
    {
        validatesNext = rounds.ValidatesAfter(parts.State.Step);
        atBoundary = true;
        metrics.Holds(parts.State.Step);
        Aim();
        Publish(standing);
        if (!validatesNext) EndOfRun(null);
        connection.HeartbeatNow();
    }

    private void Aim()
    {
        if (plan is null) return;
        parts.Images.Aim(plan.Self.Slots.Start, plan.Self.Slots.Count, parts.State.Step, parts.State.TotalSteps);
    }

    /// <summary>Between two steps: others may copy the state, and it is saved where it is time.</summary>
    private void Boundary()
    {
        source.AtBoundary(plan!.Generation, parts.State.Step, planBegins && plan.SomeCopy, snapshot => MemberState.Fill(parts.State, snapshot));
        (atBoundary, planBegins) = (false, false);
        if (plan.IsWriter && parts.State.Step > 0) checkpoints?.SaveIfDue(parts.State, Owner, validationLoss);
    }

    private CheckpointOwner Owner => new(workerId, newest.Term, newest.Number);

    private void Save(string reason)
    {
        if (end is null && leavingSince is not null) end = new(MemberEndKind.Left, reason);
        if (!holdsState || !wasWriter || checkpoints is null || savedStep == parts.State.Step || parts.State.Step == 0) return;
        using var deadline = new CancellationTokenSource(LastSave);
        if (checkpoints.SaveLastAsync(parts.State, Owner, validationLoss, deadline.Token).GetAwaiter().GetResult()) savedStep = parts.State.Step;
    }

    // ---- rounds

    private bool IsGoing => plan is not null && holdsState && copying is null && !isStopped && awaited == default
        && (validatesNext || parts.State.Step < parts.State.TotalSteps);

    private bool LeavesAlone() => leavingSince is { } since && !connection.IsConnected && Stopwatch.GetElapsedTime(since) > LeaveAloneAfter;

    private bool IsEmpty(long round, int slot)
    {
        var (isValidation, steps) = rounds.At(round);
        return isValidation ? parts.IsEmptyInValidation(slot) : parts.Order.CountOf(steps, slot) == 0;
    }

    private void Round()
    {
        if (atBoundary) Boundary();
        var round = validatesNext ? rounds.OfValidation(parts.State.Step) : rounds.OfStep(parts.State.Step);
        try
        {
            var begun = Exchange.Begin(round, plan!.Generation, newest);
            isStopped = !begun || !(validatesNext ? Validate() : Step());
            Count();
            if (!isStopped) return;
            if (begun && !validatesNext) metrics.StepRedone();
            HostingLog.Stopped(logger, Exchange.EndReason ?? "It was interrupted.");
            if (!begun && subtrees.Count == 0 && !mailbox.IsInterrupted) ComeBack();
        }
        catch (OperationCanceledException)
        {
            isStopped = true;
        }
        catch (Exception exception)
        {
            Fail(exception);
        }
    }

    /// <summary>What links and exchange have counted since the last time.</summary>
    private void Count()
    {
        var (sent, received) = (Exchange.BytesSent, Exchange.BytesReceived);
        metrics.Sent(sent - counted.Sent);
        metrics.Received(received - counted.Received);
        counted = (sent, received);
        foreach (var reason in Enum.GetValues<StreamRefusal>())
        {
            var refused = links.Refused(reason);
            for (var i = countedRefusals.GetValueOrDefault(reason); i < refused; i++) metrics.StreamRefused(reason);
            countedRefusals[reason] = refused;
        }
    }

    /// <summary>Nothing more comes to this spare under its plan, and nobody who computes has noticed: it is not waited for.</summary>
    public void CutOff(Generation generation)
    {
        if (Exchange.EndReason is not null || (plan?.Generation == generation && plan.Self.Slots.IsEmpty)) ComeBack();
    }

    /// <summary>A spare that fell behind has to copy the state again, as one that has just come. Until then it holds what it holds.</summary>
    private void ComeBack()
    {
        EndPlan("This spare fell behind.");
        HostingLog.Ignored(logger, "This spare fell behind the others; it comes back as one that has just come.");
        Publish(standing);
        comeBack();
    }

    private bool Step()
    {
        var under = plan!;
        if (parts.Step.Run(subtrees, parts.Images, sum, mailbox.Round) is not { } outcome) return false;
        Pace.Add(outcome, under.Self.Slots.Count);
        metrics.Step(outcome);
        validatesNext = rounds.ValidatesAfter(parts.State.Step);
        atBoundary = true;
        Publish(standing);
        var record = RecordOf(outcome, under.Generation);
        if (validatesNext) unfinishedRecord = record;
        else EndOfRun(record);
        parts.State.ThrowIfStuck();
        if (sum.LowestHeld > under.Generation) SwitchTo(sum.LowestHeld);
        return true;
    }

    /// <summary>A validation changes no state, and no plan takes effect after one.</summary>
    private bool Validate()
    {
        var self = plan!.Self.Slots;
        var (validation, images) = parts.Validate(self.Start, self.Count);
        using (images)
        {
            var slots = validation.SumSlots(self, images, mailbox.Round);
            var buffers = parts.Step.Zeros(subtrees.Count);
            for (var i = 0; i < subtrees.Count; i++)
            {
                if (validation.Sum(subtrees[i], slots) is not { } values) continue;
                using (var target = buffers[i].Sums.narrow(0, 0, values.Length))
                using (var given = TorchSharp.torch.tensor(values)) target.copy_(given);
                if (!sum.Contribute(subtrees[i], buffers[i])) return false;
            }
        }
        if (sum.Wait() is not { } result) return false;
        using var length = result.Sums.narrow(0, 0, Validation.Length(parts.State.Model));
        using var host = length.cpu();
        var outcome = validation.Read(System.Runtime.InteropServices.MemoryMarshal.Cast<byte, float>(host.bytes));
        validationLoss = outcome.Losses.Loss;
        metrics.Validation(outcome);
        validatesNext = false;
        Write(outcome);
        return true;
    }

    private void Write(ValidationOutcome outcome)
    {
        if (plan!.IsWriter) WritePictures();
        // A member that copied the state has no record of the step; it is not missed, for others have.
        if (unfinishedRecord is { } record && (long)record.Step == parts.State.Step - 1)
        {
            record.Validation = new()
            {
                Samples = (ulong)outcome.Losses.Samples,
                Loss = outcome.Losses.Loss,
                Reconstruction = outcome.Losses.Recon,
                Kl = outcome.Losses.Kl,
                Psnr = outcome.Losses.Psnr,
                ActiveUnits = (uint)outcome.ActiveUnits,
            };
            EndOfRun(record);
        }
        else
        {
            EndOfRun(null);
        }
    }

    /// <summary>After the last round of a run the writer saves before it tells that the last step is done.</summary>
    private void EndOfRun(StepRecord? record)
    {
        if (parts.State.Step == parts.State.TotalSteps && plan!.IsWriter)
        {
            Save("The last step is done.");
            if (folder is not null)
            {
                folder.WriteWhole(RunFolder.WeightsName, parts.SaveWeights);
                if (!rounds.ValidatesAfter(parts.State.Step)) WritePictures();
            }
            savedStep = parts.State.Step;
        }
        if (record is not null) connection.Records.Add(record);
        TellRecords();
    }

    private void WritePictures()
    {
        try
        {
            folder?.WritePictures(parts.State.Step, pathOf => parts.WritePictures(pathOf, CancellationToken.None));
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            HostingLog.NoPictures(logger, exception.Message);
        }
    }

    private StepRecord RecordOf(StepOutcome outcome, Generation generation)
    {
        var step = outcome.Step - 1;
        var record = new StepRecord
        {
            Step = (ulong)step,
            Generation = new() { Term = generation.Term, Number = generation.Number },
            Epoch = (ulong)outcome.Epoch,
            FirstPosition = (ulong)parts.Order.OffsetOf(step),
            Samples = (uint)outcome.Samples,
            Losses = StepPace.LossesOf(outcome),
            Skipped = !outcome.Updated,
            Seconds = outcome.Duration.TotalSeconds,
        };
        var every = parts.Config.Train.HashSteps;
        if (outcome.Step != parts.State.TotalSteps && (every == 0 || outcome.Step % every != 0)) return record;
        record.StateSha256 = ByteString.CopyFrom(MemberState.Hash(parts.State));
        connection.Send(new WorkerMessage { StateHash = new() { CompletedSteps = (ulong)outcome.Step, Sha256 = record.StateSha256 } });
        return record;
    }

    /// <summary>This worker can't go on. Whether another one could, the coordinator finds out.</summary>
    private void Fail(Exception exception)
    {
        HostingLog.Failed(logger, exception, parts.Step.CurrentSlot, parts.State.Step);
        var reason = exception.Message.ReplaceLineEndings(" ");
        connection.Send(new WorkerMessage
        {
            SlotFailed = new()
            {
                Step = (ulong)parts.State.Step,
                Slot = (uint)parts.Step.CurrentSlot,
                Error = reason.Length > 500 ? reason[..500] : reason,
                EndsRun = parts.State.Skipped >= parts.Config.Train.SkipLimit,
            },
        });
        EndPlan(reason);
        end = new(MemberEndKind.Failed, reason) { Exception = exception };
    }

    // ---- what is told

    private void Know(Generation generation)
    {
        newest = generation;
        connection.KnownGeneration = generation;
    }

    private void Publish(Standing told) => standing = told with { CompletedSteps = holdsState && copying is null ? parts.State.Step : null };

    private void TellReady() => connection.Send(new WorkerMessage { Ready = ReadyMessage() });

    /// <summary>The writer's records go out; the last one only when everything is saved.</summary>
    private void TellRecords()
    {
        if (plan is null) return;
        connection.SendRecords = plan.IsWriter && holdsState && (parts.State.Step < parts.State.TotalSteps || savedStep == parts.State.TotalSteps);
    }

    public Ready ReadyMessage()
    {
        var ready = new Ready { ManifestId = parts.Data.Manifest.Id, TotalSteps = (ulong)parts.State.TotalSteps };
        if (standing.CompletedSteps is { } steps) ready.CompletedSteps = (ulong)steps;
        foreach (var (name, value) in parts.Fingerprint) ready.Fingerprint.Add(name, value);
        return ready;
    }

    public void Dispose() => sum.Dispose();
}

internal enum MemberEndKind
{
    /// <summary>The last step is done and recorded.</summary>
    Completed,

    /// <summary>Asked to leave, and gone.</summary>
    Left,

    /// <summary>This worker, or the run, can't go on.</summary>
    Failed,
}

/// <param name="Kind">How.</param>
/// <param name="Reason">One sentence.</param>
internal sealed record MemberEnd(MemberEndKind Kind, string Reason)
{
    /// <summary>What this worker failed by; null where the run did.</summary>
    public Exception? Exception { get; init; }
}
