using System.Diagnostics;
using System.Runtime.InteropServices;
using Google.Protobuf;
using VaeCluster.Checkpoints;
using VaeCluster.Collectives;
using VaeCluster.Protocol.Tracing;
using VaeCluster.Protocol.V1;
using VaeCluster.Worker.Control;
using VaeCluster.Worker.Links;
using VaeCluster.Worker.Metrics;
using VaeCluster.Worker.Training;
using Generation = VaeCluster.Collectives.Generation;

namespace VaeCluster.Worker.Hosting;

/// <summary>
/// A member's rounds, steps and validations, and what it tells of each. <see cref="Compute"/> runs the next one over the
/// exchange; <see cref="Record"/> then writes down what came of it.
/// </summary>
internal sealed class MemberRounds(
    TrainingParts parts, ExchangedSum sum, CoordinatorConnection connection, Mailbox mailbox, WorkerMetrics metrics, StepPace pace, RunOutput output)
{
    private readonly RoundOrder order = parts.Rounds;
    private StepOutcome? computed;
    private ValidationOutcome? validated;

    /// <summary>Of a step that a validation follows: told when that is done, with its losses.</summary>
    private StepRecord? unfinished;

    /// <summary>Since when no round could be done; null where nothing is in the way.</summary>
    private long? halted;

    /// <summary>The next round is the validation after the step just done.</summary>
    public bool ValidatesNext { get; private set; }

    /// <summary>The next round.</summary>
    public long Next => ValidatesNext ? order.OfValidation(parts.State.Step) : order.OfStep(parts.State.Step);

    /// <summary>No round is left.</summary>
    public bool AreDone => !ValidatesNext && parts.State.Step >= parts.State.TotalSteps;

    /// <summary>A state has been taken up: its first round is the next one.</summary>
    public void Resume() => ValidatesNext = order.ValidatesAfter(parts.State.Step);

    /// <summary>What the coordinator has not acknowledged, and the step whose validation is still to come; null for nothing.</summary>
    public byte[]? Unrecorded()
    {
        var records = connection.Records.All();
        if (unfinished is { } last && (long)last.Step == parts.State.Step - 1) records.Records.Add(last);
        return records.Records.Count == 0 ? null : records.ToByteArray();
    }

    /// <summary>What was unrecorded when the state that was just restored was saved.</summary>
    public void Restored(byte[]? unrecorded)
    {
        if (unrecorded is null) return;
        var validates = order.ValidatesAfter(parts.State.Step);
        foreach (var record in StepRecords.Parser.ParseFrom(unrecorded).Records)
        {
            if (validates && (long)record.Step == parts.State.Step - 1) unfinished = record;
            else connection.Records.Add(record);
        }
    }

    /// <summary>The next round, begun in the exchange.</summary>
    /// <param name="plan">Says which slots this member computes.</param>
    /// <returns>False where it was given up; the state is as it was.</returns>
    /// <exception cref="OperationCanceledException">It was given up while images were waited for.</exception>
    public bool Compute(MemberPlan plan)
    {
        (computed, validated) = (null, null);
        var subtrees = plan.Self.IsSpare ? [] : SlotTree.Cover(parts.Order.Slots, plan.Self.Slots);
        if (!ValidatesNext)
        {
            var (check, recomputed) = Compare(plan);
            computed = parts.Step.Run(subtrees, parts.Images, sum, mailbox.Round);
            if (computed is null) return false;
            if (check is not null) TellSlot(check, recomputed ?? parts.Step.ComparedHash!, plan);
            TraceRecovery(plan);
            pace.Add(computed, plan.Self.Slots.Count);
            metrics.Step(computed);
            Trace(computed, plan);
            Resume();
            return true;
        }
        validated = Validate(plan.Self.Slots, subtrees);
        if (validated is null) return false;
        TraceRecovery(plan);
        output.ValidationLoss = validated.Losses.Loss;
        metrics.Validation(validated);
        ValidatesNext = false;
        return true;
    }

    /// <summary>What the time of the last <see cref="Compute"/> went into.</summary>
    public TimePart TimeOf(MemberPlan plan) => plan.Self.IsSpare ? TimePart.Wait
        : validated is not null ? TimePart.Validation : computed is { Updated: true } ? TimePart.Step : TimePart.Lost;

    /// <summary>The members were told to halt: the time until the next round is done is a recovery.</summary>
    public void Halted() => halted ??= Stopwatch.GetTimestamp();

    /// <summary>Tells of the round just computed. After the run's last one everything is saved first.</summary>
    /// <exception cref="VaeCluster.UserErrorException">The gradient has not been finite for too many steps in a row.</exception>
    public void Record(MemberPlan plan, CheckpointOwner owner)
    {
        var record = computed is not null ? RecordOf(computed, plan.Generation) : Complete(validated!);
        if (validated is not null && plan.IsWriter) output.WritePictures();
        if (ValidatesNext) unfinished = record;
        else Tell(record, plan, owner);
        if (computed is not null) parts.State.ThrowIfStuck();
    }

    /// <summary>All rounds are done already in the state that was taken up.</summary>
    public void Tell(StepRecord? record, MemberPlan plan, CheckpointOwner owner)
    {
        if (AreDone && plan.IsWriter) output.Finish(owner);
        if (record is not null) connection.Records.Add(record);
    }

    /// <summary>A validation changes no state: each member sums the losses of its slots, and the exchange those of the members.</summary>
    private ValidationOutcome? Validate(SlotRange self, IReadOnlyList<SlotRange> subtrees)
    {
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
                if (!sum.Contribute(subtrees[i], buffers[i])) return null;
            }
        }
        if (sum.Wait() is not { } result) return null;
        using var length = result.Sums.narrow(0, 0, Validation.Length(parts.State.Model));
        using var host = length.cpu();
        return validation.Read(MemoryMarshal.Cast<byte, float>(host.bytes));
    }

    /// <summary>Every K steps one slot is computed by more than one member: here by this one, or as part of the step to come.</summary>
    private (SlotCheck? Check, byte[]? Recomputed) Compare(MemberPlan plan)
    {
        parts.Step.ComparedSlot = null;
        var (step, every) = (parts.State.Step, parts.Config.Train.HashSteps);
        // Other machines may compute other bits, where the run takes them.
        if (every == 0 || (step + 1) % every != 0 || parts.Config.Train.MixedWorkers) return default;
        var check = SlotCheck.Of(step / every, plan.Slots, [.. plan.Members.Select(member => member.Slots)]);
        if (check is null || !check.Ranks.Contains(plan.Rank) || parts.Order.CountOf(step, check.Slot) == 0) return default;
        if (check.Ranks[0] != plan.Rank) return (check, parts.Step.Recompute(check.Slot, parts.Images, mailbox.Round));
        parts.Step.ComparedSlot = check.Slot;
        return (check, null);
    }

    private void TellSlot(SlotCheck check, byte[] hash, MemberPlan plan) => connection.Send(new WorkerMessage
    {
        SlotHash = new()
        {
            Step = (ulong)parts.State.Step - 1,
            Slot = (uint)check.Slot,
            Generation = new() { Term = plan.Generation.Term, Number = plan.Generation.Number },
            Sha256 = ByteString.CopyFrom(hash),
        },
    });

    private void TraceRecovery(MemberPlan plan)
    {
        if (halted is not { } since) return;
        halted = null;
        Traces.Tell("recovery", connection.Run, plan.Generation.ToString(), Stopwatch.GetElapsedTime(since), [new("vaecluster.slots", plan.Self.Slots.Count)]);
    }

    private void Trace(StepOutcome outcome, MemberPlan plan)
    {
        var every = parts.Config.Train.TraceSteps;
        if (every == 0 || outcome.Step % every != 0) return;
        var (exchange, optimizer) = (outcome.Parts.Exchange, outcome.Parts.Optimizer);
        // Slots come one after the other, so that their forward and backward passes are no spans but sums.
        Traces.Tell("step", connection.Run, Traces.About(outcome.Step), outcome.Duration,
            [
                new("vaecluster.step", outcome.Step), new("vaecluster.slots", plan.Self.Slots.Count), new("vaecluster.plan", plan.Generation.ToString()),
                new("vaecluster.data_wait_seconds", outcome.Parts.DataWait.TotalSeconds), new("vaecluster.forward_seconds", outcome.Parts.Forward.TotalSeconds),
                new("vaecluster.backward_seconds", outcome.Parts.Backward.TotalSeconds),
            ],
            ("slots", outcome.Duration - exchange - optimizer, exchange + optimizer), ("exchange", exchange, optimizer), ("optimizer", optimizer, TimeSpan.Zero));
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

    /// <returns>The record of the step before the validation; null on a member that copied the state after it: others have it.</returns>
    private StepRecord? Complete(ValidationOutcome outcome)
    {
        var record = unfinished;
        unfinished = null;
        if (record is null || (long)record.Step != parts.State.Step - 1) return null;
        record.Validation = new()
        {
            Samples = (ulong)outcome.Losses.Samples,
            Loss = outcome.Losses.Loss,
            Reconstruction = outcome.Losses.Recon,
            Kl = outcome.Losses.Kl,
            Psnr = outcome.Losses.Psnr,
            ActiveUnits = (uint)outcome.ActiveUnits,
        };
        return record;
    }
}
