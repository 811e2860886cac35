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
/// A series of slot passes without an update, with the same slots as a step and noise by (seed, pass, slot). What a slot
/// sums up over all passes is rounded to fp32 once, and the slots' sums are added in the tree: the numbers, too, do not
/// depend on who computes which slot.
/// </summary>
internal sealed class Validation(TrainingState state, StepSamples order, SlotPass pass)
{
    private const int Losses = 4; // total, recon, KL, squared error

    private readonly long units = 2 * state.Model.LatentShape.Elements;

    /// <summary>Floats of a slot's sums: losses, then for each latent the sum of its mean and of the mean's square.</summary>
    public static long Length(Models.ImageAutoencoder model) => Losses + 2 * model.LatentShape.Elements;

    /// <summary>Whether a slot has no samples in any pass: passes are full but for the last one.</summary>
    public static bool IsEmpty(StepSamples order, int slot) =>
        order.CountOf(0, slot) == 0 && (order.StepsPerEpoch == 1 || order.CountOf(order.StepsPerEpoch - 1, slot) == 0);

    /// <param name="images">The validation split in the manifest's order, started at step 0.</param>
    /// <param name="cancellation">Gives it up.</param>
    public ValidationOutcome Run(SlotPipeline images, CancellationToken cancellation)
    {
        var all = SlotTree.Root(order.Slots);
        return Read(Sum(all, SumSlots(all, images, cancellation))!);
    }

    /// <summary>The sums of each slot of a range, by slot; those without samples are absent.</summary>
    public IReadOnlyDictionary<int, float[]> SumSlots(SlotRange range, SlotPipeline images, CancellationToken cancellation)
    {
        var sums = new SortedDictionary<int, PassSums>();
        state.Model.eval();
        using var held = HeldWeights.Begin();
        try
        {
            for (var step = 0L; step < order.StepsPerEpoch; step++)
            {
                for (var slot = range.Start; slot < range.End; slot++)
                {
                    if (order.CountOf(step, slot) == 0) continue;
                    var before = sums.TryGetValue(slot, out var known) ? known : new PassSums(default, new double[units]);
                    sums[slot] = RunSlot(before, images, step, slot, cancellation);
                }
            }
        }
        finally
        {
            state.Model.train();
        }
        return sums.ToDictionary(entry => entry.Key, entry => entry.Value.ToFloats());
    }

    /// <summary>The sum over a subtree; null where all its slots are empty.</summary>
    public float[]? Sum(SlotRange subtree, IReadOnlyDictionary<int, float[]> slots)
    {
        float[]? current = null;
        var kept = new Stack<float[]>();
        SlotTree.Evaluate(subtree, slot => IsEmpty(order, slot), slot => current = [.. slots[slot]], _ => kept.Push(current!), _ =>
        {
            var left = kept.Pop();
            for (var i = 0; i < left.Length; i++) current![i] = left[i] + current[i];
        });
        return current;
    }

    /// <summary>What the sums over all slots say.</summary>
    public ValidationOutcome Read(ReadOnlySpan<float> sums)
    {
        var losses = new LossSums(order.Samples, Recon: sums[1], Kl: sums[2], SquaredError: sums[3], Total: sums[0]);
        return new ValidationOutcome(state.Step, LossReport.Of(losses, state.Model),
            ActiveUnits.Count(sums.Slice(Losses, (int)units), order.Samples));
    }

    private PassSums RunSlot(PassSums sums, SlotPipeline images, long step, int slot, CancellationToken cancellation)
    {
        using var scope = NewDisposeScope();
        using var _ = no_grad();
        using var batch = images.Take(step, slot, cancellation);
        var pixels = pass.Images(batch.Pixels, batch.Count);
        var noise = pass.Noise(Purpose.ValidationNoise, batch.Count, step, slot);

        var size = state.Config.Train.MicroBatch ?? batch.Count;
        for (var start = 0; start < batch.Count; start += size)
        {
            var count = Math.Min(size, batch.Count - start);
            using var autocast = Autocast.Begin(state.Config.Train.Precision, state.Device.type);
            var terms = state.Objective.Evaluate(pixels.narrow(0, start, count), noise?.narrow(0, start, count), state.Config.Objective.Beta);
            var unitSums = ActiveUnits.Sums(terms.Mean).cpu();
            sums = sums.Plus(terms.Read(), MemoryMarshal.Cast<byte, float>(unitSums.bytes));
        }
        return sums;
    }

    private readonly record struct PassSums(LossSums Losses, double[] Units)
    {
        public PassSums Plus(LossSums losses, ReadOnlySpan<float> units)
        {
            for (var i = 0; i < units.Length; i++) Units[i] += units[i];
            return this with { Losses = Losses + losses };
        }

        public float[] ToFloats() =>
            [(float)Losses.Total, (float)Losses.Recon, (float)Losses.Kl, (float)Losses.SquaredError, .. Units.Select(unit => (float)unit)];
    }
}
