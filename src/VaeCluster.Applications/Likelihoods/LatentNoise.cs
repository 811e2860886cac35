using VaeCluster.Data.Order;
using VaeCluster.Models;
using static TorchSharp.torch;

namespace VaeCluster.Applications.Likelihoods;

/// <summary>
/// Noise from N(0, I) for latents. Each draw follows from (seed, index, draw) alone: neither batch nor device nor how many are
/// drawn changes it.
/// </summary>
public sealed class LatentNoise(long seed) : IDisposable
{
    private readonly Generator generator = new(0);

    /// <summary>[indices, C, H, W], on the CPU.</summary>
    public Tensor Draw(SampleShape shape, IEnumerable<long> indices, int draw = 0)
    {
        ArgumentNullException.ThrowIfNull(indices);
        using var guard = no_grad();
        using var scope = NewDisposeScope();
        var parts = indices.Select(index =>
        {
            generator.manual_seed((long)Mixing.Key(Purpose.Latents, (ulong)seed, (ulong)index, (ulong)draw));
            return randn(1, shape.Channels, shape.Height, shape.Width, generator: generator);
        });
        return cat(parts.ToArray(), 0).MoveToOuterDisposeScope();
    }

    public void Dispose() => generator.Dispose();
}
