using System.Runtime.InteropServices;
using VaeCluster.Applications.Likelihoods;
using static TorchSharp.torch;

namespace VaeCluster.Applications.Generation;

/// <summary>Ways between two latents, and which of a latent's numbers matter.</summary>
public static class LatentPaths
{
    /// <summary>(1 - t) a + t b.</summary>
    public static Tensor Linear(Tensor a, Tensor b, double t) => a * (1 - t) + b * t;

    /// <summary>
    /// Along the great circle from a to b (Shoemake 1985): sin((1 - t) w) / sin w a + sin(t w) / sin w b with w the angle between
    /// them. Its points are as far from the origin as samples of the prior are, where those of a line are nearer. Linear where
    /// the two point the same or opposite ways.
    /// </summary>
    public static Tensor Spherical(Tensor a, Tensor b, double t)
    {
        ArgumentNullException.ThrowIfNull(a);
        ArgumentNullException.ThrowIfNull(b);
        using var scope = NewDisposeScope();
        var (x, y) = (a.to(ScalarType.Float64).flatten(), b.to(ScalarType.Float64).flatten());
        var lengths = Math.Sqrt(x.square().sum().item<double>() * y.square().sum().item<double>());
        var angle = lengths > 0 ? Math.Acos(Math.Clamp((x * y).sum().item<double>() / lengths, -1, 1)) : 0;
        if (Math.Sin(angle) < 1e-6) return Linear(a, b, t).MoveToOuterDisposeScope();
        return (a * (Math.Sin((1 - t) * angle) / Math.Sin(angle)) + b * (Math.Sin(t * angle) / Math.Sin(angle))).MoveToOuterDisposeScope();
    }

    /// <summary>
    /// The KL of each channel of the latents in nats, the mean over the images and the sum over its places: what a channel that
    /// says nothing has is 0.
    /// </summary>
    /// <param name="mean">[B, C, H, W].</param>
    /// <param name="logVariance">Likewise.</param>
    public static IReadOnlyList<double> KlOfChannels(Tensor mean, Tensor logVariance)
    {
        using var scope = NewDisposeScope();
        var kl = Likelihood.KlOfEach(mean, logVariance).flatten(2).sum(2L).mean([0L]).cpu().contiguous(); // [C]
        return MemoryMarshal.Cast<byte, double>(kl.bytes).ToArray();
    }
}
