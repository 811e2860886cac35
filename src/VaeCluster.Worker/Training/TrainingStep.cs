using System.Diagnostics;
using System.Security.Cryptography;
using TorchSharp;
using VaeCluster.Collectives;
using VaeCluster.Data.Order;
using VaeCluster.Data.Pipeline;
using VaeCluster.Models;
using VaeCluster.Models.Objectives;
using VaeCluster.Torch;

namespace VaeCluster.Worker.Training;

/// <summary>
/// One step, as DESIGN.md section 4 numbers it:
/// 1. the gradient of each slot, 2. their sum in the tree, 3. the sum over the members, 4. the update, 5. by schedules that are
/// functions of the step.
/// </summary>
public sealed class TrainingStep : IDisposable
{
    private readonly TrainingState state;
    private readonly StepSamples order;
    private readonly SlotPass pass;
    private readonly SlotSums sums;
    private readonly GradientHooks hooks;
    private Action<Bucket>? bucketReady;
    private TimeSpan waited;

    /// <summary>When the first bucket left for the other members; null before.</summary>
    private long? leaving;

    /// <param name="state">What is trained.</param>
    /// <param name="order">The samples of each step.</param>
    /// <param name="arena">Where members on this host read gradients; null for memory of this process alone.</param>
    public TrainingStep(TrainingState state, StepSamples order, IFloatArena? arena = null)
    {
        (this.state, this.order) = (state, order);
        pass = new SlotPass(state);
        sums = new SlotSums(state.Parameters, slotIsOneBackward: state.Config.Train.MicroBatch is null, arena);
        var buckets = state.Parameters.Layout.Buckets;
        hooks = new GradientHooks(state.Parameters, bucket => bucketReady!(buckets[bucket]));
    }

    /// <summary>A slot that this member contributes, and others compute too: its gradient's hash is kept.</summary>
    internal int? ComparedSlot { get; set; }

    /// <summary>SHA-256 over the gradient and the sums of <see cref="ComparedSlot"/> in the last step; null where it was not computed.</summary>
    internal byte[]? ComparedHash { get; private set; }

    /// <summary>The slot that is being computed, to name it when that fails.</summary>
    internal int CurrentSlot { get; private set; }

    /// <summary>Computes the step after <see cref="TrainingState.Step"/> from images that the pipeline has ready.</summary>
    public StepOutcome Run(SlotPipeline images, CancellationToken cancellation) =>
        Run([SlotTree.Root(order.Slots)], images, null, cancellation)!;

    /// <summary>The same as a member of a plan.</summary>
    /// <param name="subtrees">The whole subtrees that the member's slots make up; none for a spare.</param>
    /// <param name="images">Of these slots.</param>
    /// <param name="reduction">Null where one member computes everything.</param>
    /// <param name="cancellation">Gives the step up, with an exception.</param>
    /// <returns>Null when the step was given up: nothing has changed.</returns>
    internal StepOutcome? Run(IReadOnlyList<SlotRange> subtrees, SlotPipeline images, IStepReduction? reduction, CancellationToken cancellation)
    {
        var clock = Stopwatch.GetTimestamp();
        pass.ResetTimes();
        (waited, leaving, ComparedHash) = (TimeSpan.Zero, null, null);

        // 1, 2. The member's slots, in the tree. Buckets leave while the last slot's backward still runs.
        sums.Reset();
        FlatGradient? gradient = null;
        using (HeldWeights.Begin())
        {
            foreach (var subtree in subtrees) gradient = Sum(subtree, images, reduction, cancellation) ?? gradient;
        }

        // 3. The sum over the members.
        var exchanging = Stopwatch.GetTimestamp();
        if (reduction is not null) gradient = reduction.Wait();
        if (gradient is null) return null;

        // 4, 5. The update.
        var optimizing = Stopwatch.GetTimestamp();
        var outcome = Update(gradient);
        return outcome with
        {
            Duration = Stopwatch.GetElapsedTime(clock),
            Parts = new StepParts(waited, pass.Forward, pass.Backward, Stopwatch.GetElapsedTime(exchanging, optimizing), Stopwatch.GetElapsedTime(optimizing))
            {
                WholeExchange = Stopwatch.GetElapsedTime(leaving ?? exchanging, optimizing),
            },
        };
    }

    /// <summary>The sum over one subtree: slots ascending, left before right. Null where all its slots are empty.</summary>
    internal FlatGradient? Sum(SlotRange subtree, SlotPipeline images, IStepReduction? reduction, CancellationToken cancellation)
    {
        var step = state.Step;
        bool IsEmpty(int slot) => order.CountOf(step, slot) == 0;
        var last = subtree.End - 1;
        while (last >= subtree.Start && IsEmpty(last)) last--;
        if (last < subtree.Start) return null;

        SlotTree.Evaluate(subtree, IsEmpty, slot =>
        {
            var (isLast, isCompared) = (reduction is not null && slot == last, slot == ComparedSlot);
            if (isLast)
            {
                bucketReady = bucket =>
                {
                    sums.AddLefts(bucket);
                    leaving ??= Stopwatch.GetTimestamp();
                    reduction!.Contribute(subtree, sums.Current, bucket);
                };
            }
            Compute(slot, images, isLast && !isCompared ? hooks : null, cancellation);
            if (!isCompared) return;
            // Before anything is added to it.
            ComparedHash = HashOf(sums.Current);
            if (!isLast) return;
            foreach (var bucket in state.Parameters.Layout.Buckets) bucketReady!(bucket);
        }, sums.KeepLeft, sums.AddLeft);
        return sums.Finish();
    }

    /// <summary>Another member's slot of the next step, computed once more.</summary>
    /// <returns>As <see cref="ComparedHash"/>.</returns>
    internal byte[] Recompute(int slot, SlotPipeline images, CancellationToken cancellation)
    {
        sums.Reset();
        using var held = HeldWeights.Begin();
        Compute(slot, images, null, cancellation);
        return HashOf(sums.Current);
    }

    /// <summary>
    /// Forward and backward of blank images, whose gradient nobody reads: code is compiled and memory is there before others wait
    /// for this member's first slot. Changes nothing.
    /// </summary>
    internal void WarmUp()
    {
        var input = state.Model.InputShape;
        var slot = Enumerable.Range(0, order.Slots).MaxBy(slot => order.CountOf(state.Step, slot));
        var samples = Math.Min(order.CountOf(state.Step, slot), state.Config.Train.MicroBatch ?? int.MaxValue);
        bucketReady = _ => { };
        sums.Reset();
        sums.BeginSlot();
        using var held = HeldWeights.Begin();
        pass.Run(sums.Current, new float[samples * input.Channels * input.Height * input.Width], samples, state.Step, slot, order.BatchOf(state.Step), hooks);
    }

    /// <summary>The slot's gradient, into <see cref="SlotSums.Current"/>.</summary>
    private void Compute(int slot, SlotPipeline images, GradientHooks? told, CancellationToken cancellation)
    {
        CurrentSlot = slot;
        using var batch = images.Take(state.Step, slot, cancellation);
        waited += batch.Wait;
        sums.BeginSlot();
        pass.Run(sums.Current, batch.Pixels, batch.Count, state.Step, slot, order.BatchOf(state.Step), told);
    }

    private static byte[] HashOf(FlatGradient gradient)
    {
        if (gradient.Flat.device_type == DeviceType.CPU) return SHA256.HashData(gradient.Flat.bytes);
        using var host = gradient.Flat.cpu();
        return SHA256.HashData(host.bytes);
    }

    /// <summary>Clips by the global norm, updates weights and statistics, counts the step.</summary>
    internal StepOutcome Update(FlatGradient gradient)
    {
        var step = state.Step;
        var samples = order.BatchOf(step);
        var rate = state.Schedule.At(step);
        var norm = state.Optimizer.Norm(gradient);
        var finite = double.IsFinite(norm);
        if (finite)
        {
            state.Optimizer.Step(gradient, rate, norm);
            state.Statistics.Apply(StepSums.OfStatistics(gradient, state.Statistics), samples);
        }
        state.Skipped = finite ? 0 : state.Skipped + 1;
        state.Step = step + 1;

        var losses = LossReport.Of(StepSums.ReadLosses(gradient, state.Statistics, samples), state.Model);
        return new StepOutcome(step + 1, order.EpochOf(step), samples, losses.Loss, losses.Recon, losses.Kl, losses.Psnr, norm, rate,
            state.Config.Objective.BetaAt(step), finite, default, default);
    }

    /// <summary>A validation over these samples.</summary>
    internal Validation Validation(StepSamples samples) => new(state, samples, pass);

    /// <summary>Buffers of zeros for sums that are no gradients, valid until the next step or call of this.</summary>
    internal IReadOnlyList<FlatGradient> Zeros(int count)
    {
        sums.Reset();
        return [.. Enumerable.Range(0, count).Select(_ =>
        {
            sums.BeginSlot();
            return sums.Finish();
        })];
    }

    /// <summary>The model's layers on the first micro-batch of the next step. The caller disposes their inputs.</summary>
    internal IReadOnlyList<ModelLayer> Layers(SlotPipeline images, CancellationToken cancellation)
    {
        using var batch = images.Take(state.Step, 0, cancellation);
        return pass.Layers(batch.Pixels, batch.Count, state.Step);
    }

    /// <summary>A batch as a tensor on the model's device.</summary>
    internal TorchSharp.torch.Tensor Images(SlotBatch batch) => pass.Images(batch.Pixels, batch.Count);

    public void Dispose()
    {
        hooks.Dispose();
        sums.Dispose();
        pass.Dispose();
    }
}
