using System.Runtime.InteropServices;
using VaeCluster.Models.Objectives;
using VaeCluster.Torch;
using static TorchSharp.torch;

namespace VaeCluster.Worker.Training;

/// <summary>
/// What a step sums over its slots besides gradients, behind them in the flat buffer: the batch statistics, then the losses.
/// Every member has the whole step's sums after the reduction.
/// </summary>
internal static class StepSums
{
    private const int Losses = 4; // total, recon, KL, squared error

    public static long Length(BatchStatistics statistics) => statistics.Length + Losses;

    /// <summary>Adds a micro-batch's sums to the slot's.</summary>
    public static void Add(FlatGradient gradient, BatchStatistics statistics, ObjectiveTerms terms)
    {
        using var scope = NewDisposeScope();
        using var _ = no_grad();
        statistics.AddTo(gradient.Sums.narrow(0, 0, statistics.Length), terms.Samples);
        gradient.Sums.narrow(0, statistics.Length, Losses)
            .add_(stack([terms.Total.detach(), terms.Recon, terms.Kl, terms.SquaredError]));
    }

    /// <summary>The statistics' part of the sums of a whole step, a view.</summary>
    public static Tensor OfStatistics(FlatGradient gradient, BatchStatistics statistics) =>
        gradient.Sums.narrow(0, 0, statistics.Length);

    /// <summary>The losses of a whole step.</summary>
    public static LossSums ReadLosses(FlatGradient gradient, BatchStatistics statistics, long samples)
    {
        using var scope = NewDisposeScope();
        var losses = gradient.Sums.narrow(0, statistics.Length, Losses).cpu();
        var values = MemoryMarshal.Cast<byte, float>(losses.bytes);
        return new LossSums(samples, Recon: values[1], Kl: values[2], SquaredError: values[3], Total: values[0]);
    }
}
