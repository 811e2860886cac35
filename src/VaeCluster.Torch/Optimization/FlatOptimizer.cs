using TorchSharp;
using VaeCluster.Torch.Native;
using static TorchSharp.torch;

namespace VaeCluster.Torch;

/// <summary>
/// Adam, AdamW and SGD with momentum over the flat buffers, with clipping by the global norm and an exponential moving average:
/// one native pass on the CPU, a few tensor operations elsewhere. Rounds like PyTorch's optimizers.
/// </summary>
public sealed unsafe class FlatOptimizer : IDisposable
{
    private readonly FlatParameters parameters;
    private readonly OptimizerOptions options;
    private readonly bool native;

    public FlatOptimizer(FlatParameters parameters, OptimizerOptions options)
    {
        (this.parameters, this.options) = (parameters, options);
        native = NativeAdditions.Available && parameters.Weights.device_type == DeviceType.CPU;
        var names = options.Name == OptimizerName.Sgd ? (string[])["momentum"] : ["mean", "square"];
        State = names.ToDictionary(name => name, _ => zeros_like(parameters.Weights).DetachFromDisposeScope());
        Ema = options.EmaDecay > 0 ? parameters.Weights.clone().DetachFromDisposeScope() : null;
    }

    /// <summary>Updates done; part of the state, because skipped steps do not count.</summary>
    public long Updates { get; set; }

    /// <summary>The optimizer's flat buffers by name, each [ParameterLength].</summary>
    public IReadOnlyDictionary<string, Tensor> State { get; }

    /// <summary>The moving average of the weights [ParameterLength]; null when none is kept.</summary>
    public Tensor? Ema { get; }

    /// <summary>Norm over all gradients, accumulated in double precision; not finite when one of them is not.</summary>
    public double Norm(FlatGradient gradient)
    {
        if (native) return Math.Sqrt(FlatKernels.SumOfSquares(Pointer(gradient.Flat), parameters.Layout.ParameterLength));
        using var _ = NewDisposeScope();
        return Math.Sqrt(gradient.Gradients.to(ScalarType.Float64).square().sum().item<double>());
    }

    /// <summary>One update of the weights.</summary>
    /// <param name="gradient">Of the whole step.</param>
    /// <param name="rate">The learning rate of this step.</param>
    /// <param name="norm">What <see cref="Norm"/> returned.</param>
    public void Step(FlatGradient gradient, double rate, double norm)
    {
        Updates++;
        var scale = options.ClipNorm > 0 && norm > options.ClipNorm ? options.ClipNorm / norm : 1;
        if (native) StepNatively(gradient, rate, scale);
        else StepByTensors(gradient, rate, scale);
    }

    public void Dispose()
    {
        foreach (var tensor in State.Values) tensor.Dispose();
        Ema?.Dispose();
    }

    private void StepNatively(FlatGradient gradient, double rate, double scale)
    {
        float* w = Pointer(parameters.Weights), g = Pointer(gradient.Flat);
        var n = parameters.Layout.ParameterLength;
        var ema = Ema is null ? null : Pointer(Ema);
        if (options.Name == OptimizerName.Sgd)
        {
            FlatKernels.Sgd(w, g, Pointer(State["momentum"]), ema, n, new FlatKernels.SgdStep
            {
                Lr = rate,
                Momentum = options.Momentum,
                WeightDecay = options.WeightDecay,
                Step = Updates,
                GradientScale = scale,
                EmaDecay = options.EmaDecay,
            });
            return;
        }
        FlatKernels.Adam(w, g, Pointer(State["mean"]), Pointer(State["square"]), ema, n, new FlatKernels.AdamStep
        {
            Lr = rate,
            Beta1 = options.Beta1,
            Beta2 = options.Beta2,
            Eps = options.Eps,
            WeightDecay = options.WeightDecay,
            Decoupled = options.Name == OptimizerName.Adamw ? 1 : 0,
            Step = Updates,
            GradientScale = scale,
            EmaDecay = options.EmaDecay,
        });
    }

    private void StepByTensors(FlatGradient step, double rate, double scale)
    {
        using var _ = no_grad();
        using var scope = NewDisposeScope();
        var weights = parameters.Weights;
        var gradient = step.Gradients;
        if (scale != 1) gradient = gradient.mul(scale);
        if (options.WeightDecay != 0 && options.Name != OptimizerName.Adamw) gradient = gradient.add(weights, options.WeightDecay);

        if (options.Name == OptimizerName.Sgd)
        {
            var momentum = State["momentum"];
            if (Updates == 1) momentum.copy_(gradient);
            else momentum.mul_(options.Momentum).add_(gradient);
            weights.add_(momentum, -rate);
        }
        else
        {
            if (options.WeightDecay != 0 && options.Name == OptimizerName.Adamw) weights.mul_(1 - rate * options.WeightDecay);
            var (mean, square) = (State["mean"], State["square"]);
            mean.mul_(options.Beta1).add_(gradient, 1 - options.Beta1);
            square.mul_(options.Beta2).addcmul_(gradient, gradient, 1 - options.Beta2);
            var denominator = square.sqrt().div_(Math.Sqrt(1 - Math.Pow(options.Beta2, Updates))).add_(options.Eps);
            weights.addcdiv_(mean, denominator, -rate / (1 - Math.Pow(options.Beta1, Updates)));
        }
        Ema?.mul_(options.EmaDecay).add_(weights, 1 - options.EmaDecay);
    }

    private static float* Pointer(Tensor flat)
    {
        fixed (byte* bytes = flat.bytes) return (float*)bytes;
    }
}
