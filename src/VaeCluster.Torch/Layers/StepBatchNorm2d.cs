using System.Runtime.InteropServices;
using TorchSharp.Modules;
using VaeCluster.Torch.Native;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace VaeCluster.Torch;

/// <summary>
/// Batch normalisation whose running statistics change once a step, however the step's batch was cut into slots: in training
/// a forward pass leaves its batch's mean and variance in a scratch of its own (<see cref="BatchStatistics"/> attaches it),
/// which is averaged over the slots. Parameter and buffer names, and the numbers for one slot, are those of BatchNorm2d. The
/// rectifier behind it, where there is one, is part of it: on the CPU both are one operation.
/// </summary>
public sealed partial class StepBatchNorm2d : Module<Tensor, Tensor>
{
    private readonly double eps;
    private readonly double? slope;
    private readonly Parameter weight, bias;                                        // [features]
    private readonly Tensor running_mean, running_var, num_batches_tracked;         // [features], [features], scalar

    /// <param name="slope">Of a rectifier for negative values, 0 being ReLU; null for no rectifier.</param>
    public StepBatchNorm2d(long features, double eps = 1e-5, double momentum = 0.1, double? slope = null) : base(nameof(StepBatchNorm2d))
    {
        (this.eps, this.slope) = (eps, slope);
        Momentum = momentum;
        Features = features;
        weight = new Parameter(ones(features));
        bias = new Parameter(zeros(features));
        running_mean = zeros(features);
        running_var = ones(features);
        num_batches_tracked = zeros(1, ScalarType.Int64).squeeze(0);
        RegisterComponents();
    }

    public long Features { get; }

    public double Momentum { get; }

    internal Tensor RunningMean => running_mean;

    internal Tensor RunningVariance => running_var;

    internal Tensor BatchesTracked => num_batches_tracked;

    /// <summary>Where a forward pass in training leaves its batch's mean and unbiased variance; zeros before it.</summary>
    internal (Tensor Mean, Tensor Variance)? Scratch { get; set; }

    /// <param name="input">[B, features, H, W]</param>
    public override Tensor forward(Tensor input)
    {
        if (!training) return Rectified(functional.batch_norm(input, running_mean, running_var, weight, bias, training: false, eps: eps));

        // With momentum 1 over a zeroed scratch, ATen's running statistics are this batch's own.
        var (mean, variance, momentum) = Scratch is { } scratch ? (scratch.Mean, scratch.Variance, 1.0) : (running_mean, running_var, Momentum);
        if (Scratch is null) using (no_grad()) num_batches_tracked.add_(1);
        if (input.device_type != TorchSharp.DeviceType.CPU || !NativeAdditions.Available)
            return Rectified(functional.batch_norm(input, mean, variance, weight, bias, training: true, momentum: momentum, eps: eps));
        NativeAdditions.Check(vct_batch_norm(input.Handle, weight.Handle, bias.Handle, mean.Handle, variance.Handle, momentum, eps,
            slope is null ? 0 : 1, slope ?? 0, out var result));
        return Tensor.UnsafeCreateTensor(result);
    }

    private Tensor Rectified(Tensor normalised)
    {
        if (slope is not { } below) return normalised;
        using var _ = normalised;
        return below == 0 ? functional.relu(normalised) : functional.leaky_relu(normalised, below);
    }

    [LibraryImport(NativeAdditions.Library)]
    private static partial int vct_batch_norm(nint input, nint weight, nint bias, nint runningMean, nint runningVariance, double momentum,
        double eps, int rectifier, double slope, out nint result);
}
