using System.Diagnostics;
using VaeCluster.Collectives;
using VaeCluster.Data.Order;
using VaeCluster.Data.Pipeline;
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
    private TimeSpan waited;

    public TrainingStep(TrainingState state, StepSamples order)
    {
        (this.state, this.order) = (state, order);
        pass = new SlotPass(state);
        sums = new SlotSums(state.Parameters, slotIsOneBackward: state.Config.Train.MicroBatch is null);
    }

    /// <summary>Computes the step after <see cref="TrainingState.Step"/> from images that the pipeline has ready.</summary>
    public StepOutcome Run(SlotPipeline images, CancellationToken cancellation)
    {
        var clock = Stopwatch.GetTimestamp();
        pass.ResetTimes();
        waited = TimeSpan.Zero;

        // 1, 2. The member's slots, in the tree.
        var gradient = Sum(SlotTree.Root(order.Slots), images, cancellation);

        // 3. One member: its sum is the step's.

        // 4, 5. The update.
        var optimizing = Stopwatch.GetTimestamp();
        var outcome = Update(gradient);
        return outcome with
        {
            Duration = Stopwatch.GetElapsedTime(clock),
            Parts = new StepParts(waited, pass.Forward, pass.Backward, Stopwatch.GetElapsedTime(optimizing)),
        };
    }

    /// <summary>The sum over one subtree: slots ascending, left before right. Valid until the next call.</summary>
    internal FlatGradient Sum(SlotRange node, SlotPipeline images, CancellationToken cancellation)
    {
        var step = state.Step;
        sums.Reset();
        SlotTree.Evaluate(node, slot => order.CountOf(step, slot) == 0, slot =>
        {
            using var batch = images.Take(step, slot, cancellation);
            waited += batch.Wait;
            sums.BeginSlot();
            pass.Run(sums.Current, batch.Pixels, batch.Count, step, slot, order.BatchOf(step), hooks: null);
        }, sums.KeepLeft, sums.AddLeft);
        return sums.Current;
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

    /// <summary>The losses over a split after <see cref="TrainingState.Step"/>.</summary>
    public ValidationOutcome Validate(StepSamples samples, SlotPipeline images, CancellationToken cancellation) =>
        new Validation(state, samples, pass).Run(images, cancellation);

    /// <summary>A batch as a tensor on the model's device.</summary>
    internal TorchSharp.torch.Tensor Images(SlotBatch batch) => pass.Images(batch.Pixels, batch.Count);

    public void Dispose()
    {
        sums.Dispose();
        pass.Dispose();
    }
}
