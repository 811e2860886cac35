using System.Runtime.InteropServices;
using VaeCluster.Collectives;
using VaeCluster.Data.Order;
using VaeCluster.Data.Pipeline;
using VaeCluster.Models.Objectives;
using VaeCluster.Torch;
using static TorchSharp.torch;

namespace VaeCluster.Worker.Training;

/// <summary>The losses over the validation split after a step, per sample.</summary>
/// <param name="Step">Steps done.</param>
/// <param name="ActiveUnits">Latents whose mean tells images apart.</param>
public sealed record ValidationOutcome(long Step, LossReport Losses, int ActiveUnits);

/// <summary>
/// A series of slot passes without an update, with the same slots as a step, noise by (seed, pass, slot), and sums in tree
/// order: its numbers, too, do not depend on who computes which slot.
/// </summary>
internal sealed class Validation(TrainingState state, StepSamples order, SlotPass pass)
{
    /// <param name="images">The validation split in the manifest's order, started at step 0.</param>
    public ValidationOutcome Run(SlotPipeline images, CancellationToken cancellation)
    {
        state.Model.eval();
        try
        {
            var sums = PassSums.Zero(2 * state.Model.LatentShape.Elements);
            for (var step = 0L; step < order.StepsPerEpoch; step++) sums = sums.Plus(RunPass(images, step, cancellation));
            return new ValidationOutcome(state.Step, LossReport.Of(sums.Losses, state.Model),
                ActiveUnits.Count(sums.Units, sums.Losses.Samples));
        }
        finally
        {
            state.Model.train();
        }
    }

    private PassSums RunPass(SlotPipeline images, long step, CancellationToken cancellation)
    {
        var current = default(PassSums);
        var kept = new Stack<PassSums>();
        SlotTree.Evaluate(SlotTree.Root(order.Slots), slot => order.CountOf(step, slot) == 0,
            slot => current = RunSlot(images, step, slot, cancellation),
            _ => kept.Push(current), _ => current = kept.Pop().Plus(current));
        return current;
    }

    private PassSums RunSlot(SlotPipeline images, long step, int slot, CancellationToken cancellation)
    {
        using var scope = NewDisposeScope();
        using var _ = no_grad();
        using var batch = images.Take(step, slot, cancellation);
        var pixels = pass.Images(batch.Pixels, batch.Count);
        var noise = pass.Noise(Purpose.ValidationNoise, batch.Count, step, slot);

        var sums = PassSums.Zero(2 * state.Model.LatentShape.Elements);
        var size = state.Config.Train.MicroBatch ?? batch.Count;
        for (var start = 0; start < batch.Count; start += size)
        {
            var count = Math.Min(size, batch.Count - start);
            using var autocast = Autocast.Begin(state.Config.Train.Precision, state.Device.type);
            var terms = state.Objective.Evaluate(pixels.narrow(0, start, count), noise?.narrow(0, start, count), state.Config.Objective.Beta);
            var units = ActiveUnits.Sums(terms.Mean).cpu();
            sums = sums.Plus(new PassSums(terms.Read(), MemoryMarshal.Cast<byte, float>(units.bytes).ToArray()));
        }
        return sums;
    }

    private readonly record struct PassSums(LossSums Losses, float[] Units)
    {
        public static PassSums Zero(long units) => new(default, new float[units]);

        public PassSums Plus(PassSums right) =>
            new(Losses + right.Losses, [.. Units.Zip(right.Units, (left, other) => left + other)]);
    }
}
