using static TorchSharp.torch;

namespace VaeCluster.Torch;

/// <summary>
/// The batch statistics of all <see cref="StepBatchNorm2d"/> layers of a model as one flat range: every forward pass writes
/// its mean and variance into a scratch, weighted by its samples it is added to the step's sums, and after the sum over all
/// slots the running statistics move once.
/// </summary>
public sealed class BatchStatistics : IDisposable
{
    private readonly StepBatchNorm2d[] layers;
    private readonly Tensor scratch, running; // [Length]: mean, variance, layer by layer
    private readonly double momentum;
    private readonly List<Tensor> views = [];

    public BatchStatistics(nn.Module module)
    {
        layers = [.. module.modules().Prepend(module).OfType<StepBatchNorm2d>()]; // modules() leaves the root out
        Length = layers.Sum(layer => 2 * layer.Features);
        momentum = layers.FirstOrDefault()?.Momentum ?? 0;
        if (layers.Any(layer => layer.Momentum != momentum))
            throw new ArgumentException("All batch normalisations of a model must have the same momentum.");
        var device = layers.FirstOrDefault()?.RunningMean.device;
        scratch = zeros(Math.Max(Length, 1), device: device).DetachFromDisposeScope();
        running = zeros(Math.Max(Length, 1), device: device).DetachFromDisposeScope();

        long offset = 0;
        using var _ = no_grad();
        foreach (var layer in layers)
        {
            layer.Scratch = (Take(scratch, layer.Features, ref offset), Take(scratch, layer.Features, ref offset));
            offset -= 2 * layer.Features;
            foreach (var buffer in (Tensor[])[layer.RunningMean, layer.RunningVariance])
            {
                var view = Take(running, layer.Features, ref offset);
                view.copy_(buffer);
                buffer.set_(view);
            }
        }
    }

    /// <summary>Elements in the step's sums.</summary>
    public long Length { get; }

    public void BeforeForward()
    {
        if (Length > 0) scratch.zero_();
    }

    /// <summary>Adds what the last forward pass left, weighted by its samples, to the step's sums [Length].</summary>
    public void AddTo(Tensor sums, long samples)
    {
        if (Length == 0) return;
        // Two roundings, as anywhere else in the tree: a fused multiply-add would tell a sum made in place from another. And
        // not in place: backward is still to come, and checks that what forward left has not changed.
        using var weighted = scratch.mul(samples);
        sums.add_(weighted);
    }

    /// <summary>running = (1 - momentum) * running + momentum * sums / samples, and one more batch tracked.</summary>
    public void Apply(Tensor sums, long samples)
    {
        if (Length == 0) return;
        using var _ = no_grad();
        running.mul_(1 - momentum).add_(sums, alpha: momentum / samples);
        foreach (var layer in layers) layer.BatchesTracked.add_(1);
    }

    public void Dispose()
    {
        foreach (var layer in layers) layer.Scratch = null;
        foreach (var view in views) view.Dispose();
        scratch.Dispose();
        running.Dispose();
    }

    private Tensor Take(Tensor flat, long count, ref long offset)
    {
        var view = flat.narrow(0, offset, count).DetachFromDisposeScope();
        views.Add(view);
        offset += count;
        return view;
    }
}
