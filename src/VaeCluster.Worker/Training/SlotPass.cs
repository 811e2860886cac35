using System.Diagnostics;
using System.Runtime.InteropServices;
using VaeCluster.Data.Order;
using VaeCluster.Models;
using VaeCluster.Models.Objectives;
using VaeCluster.Torch;
using static TorchSharp.torch;

namespace VaeCluster.Worker.Training;

/// <summary>
/// Forward and backward of one slot: its images, noise drawn from (seed, step, slot), micro-batch by micro-batch into the flat
/// gradient. The same bits whoever computes it and when.
/// </summary>
internal sealed class SlotPass(TrainingState state) : IDisposable
{
    private readonly Generator generator = new(0);

    public TimeSpan Forward { get; private set; }

    public TimeSpan Backward { get; private set; }

    public void ResetTimes() => (Forward, Backward) = (default, default);

    /// <param name="into">Zero, or the left sibling's sum: see <see cref="SlotSums"/>.</param>
    /// <param name="pixels">[samples, C, H, W] in the model's range.</param>
    /// <param name="samples">Of this slot, at least one.</param>
    /// <param name="step">Steps done before this one.</param>
    /// <param name="slot">Its index.</param>
    /// <param name="stepSamples">B', of all slots: what the loss is divided by.</param>
    /// <param name="hooks">When given, the last backward reports its buckets.</param>
    public void Run(FlatGradient into, ReadOnlySpan<float> pixels, int samples, long step, int slot, long stepSamples, GradientHooks? hooks)
    {
        var config = state.Config;
        var beta = config.Objective.BetaAt(step);
        using var slotScope = NewDisposeScope();
        var images = Images(pixels, samples);
        var noise = Noise(Purpose.Noise, samples, step, slot);

        var size = config.Train.MicroBatch ?? samples;
        for (var start = 0; start < samples; start += size)
        {
            using var scope = NewDisposeScope();
            var count = Math.Min(size, samples - start);
            var clock = Stopwatch.GetTimestamp();

            state.Statistics.BeforeForward();
            ObjectiveTerms terms;
            Tensor loss;
            using (Autocast.Begin(config.Train.Precision, state.Device.type))
            {
                terms = state.Objective.Evaluate(images.narrow(0, start, count), noise?.narrow(0, start, count), beta);
                loss = terms.Total / stepSamples;
            }
            StepSums.Add(into, state.Statistics, terms);
            Forward += Stopwatch.GetElapsedTime(clock);

            clock = Stopwatch.GetTimestamp();
            if (hooks is not null && start + count == samples) hooks.Run(loss.backward);
            else loss.backward();
            Backward += Stopwatch.GetElapsedTime(clock);
        }
    }

    /// <summary>What the first micro-batch of slot 0 gives each layer. The caller disposes it.</summary>
    public IReadOnlyList<ModelLayer> Layers(ReadOnlySpan<float> pixels, int samples, long step)
    {
        var train = state.Config.Train;
        var count = Math.Min(train.MicroBatch ?? samples, samples);
        using var scope = NewDisposeScope();
        state.Statistics.BeforeForward();
        using var _ = Autocast.Begin(train.Precision, state.Device.type);
        return state.Model.Layers(Images(pixels, samples).narrow(0, 0, count), Noise(Purpose.Noise, samples, step, slot: 0)?.narrow(0, 0, count));
    }

    /// <summary>Images that were read into memory, as a tensor on the device.</summary>
    public Tensor Images(ReadOnlySpan<float> pixels, int samples)
    {
        var shape = state.Model.InputShape;
        using var plain = empty(samples, shape.Channels, shape.Height, shape.Width);
        pixels.CopyTo(MemoryMarshal.Cast<byte, float>(plain.bytes));
        return plain.to(state.Device);
    }

    /// <summary>Drawn on the CPU on every device, and for a slot at once: micro-batches share it out.</summary>
    public Tensor? Noise(Purpose purpose, int samples, long step, int slot)
    {
        if (!state.Model.Variational) return null;
        generator.manual_seed((long)Mixing.Key(purpose, (ulong)state.Config.Train.Seed, (ulong)step, (ulong)slot));
        var shape = state.Model.LatentShape;
        using var plain = randn(samples, shape.Channels, shape.Height, shape.Width, generator: generator);
        return plain.to(state.Device);
    }

    public void Dispose() => generator.Dispose();
}
