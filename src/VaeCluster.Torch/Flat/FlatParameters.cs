using TorchSharp.Modules;
using static TorchSharp.torch;

namespace VaeCluster.Torch;

/// <summary>
/// A model's parameters as views of one flat fp32 buffer. Their gradients are views of another (<see cref="FlatGradient"/>),
/// into which backward accumulates in place. Never call zero_grad on the model: it would drop the views.
/// </summary>
public sealed class FlatParameters : IDisposable
{
    /// <param name="module">Its parameters keep their values.</param>
    /// <param name="sums">Elements behind the gradients that are summed over the slots with them.</param>
    /// <param name="bucketBytes">A bucket is closed when it has this many; by the model's size where it is not given.</param>
    public FlatParameters(nn.Module module, long sums = 0, long? bucketBytes = null)
    {
        var named = module.named_parameters().ToDictionary(pair => pair.name, pair => pair.parameter);
        Layout = new FlatLayout(module.named_parameters(), sums, bucketBytes);
        Ordered = [.. Layout.Parameters.Select(entry => named[entry.Name])];
        Weights = zeros(Layout.ParameterLength, device: Ordered[0].device).DetachFromDisposeScope();

        using var _ = no_grad();
        foreach (var (entry, parameter) in Layout.Parameters.Zip(Ordered))
        {
            if (parameter.dtype != ScalarType.Float32)
                throw new ArgumentException($"Parameter {entry.Name} is {parameter.dtype}: only float32 parameters can be trained.");
            using var view = View(Weights, entry);
            view.copy_(parameter);
            parameter.set_(view);
        }
    }

    public FlatLayout Layout { get; }

    /// <summary>[ParameterLength]</summary>
    public Tensor Weights { get; }

    /// <summary>The model's parameters in the order of the layout.</summary>
    public IReadOnlyList<Parameter> Ordered { get; }

    /// <summary>From now on backward accumulates into this buffer.</summary>
    public void AccumulateInto(FlatGradient gradient)
    {
        for (var i = 0; i < Ordered.Count; i++) Ordered[i].grad = gradient.Views[i];
    }

    /// <summary>The part of a flat buffer that holds one parameter, in its shape.</summary>
    public static Tensor View(Tensor flat, FlatEntry entry)
    {
        using var range = flat.narrow(0, entry.Offset, entry.Count);
        return range.view(entry.Shape);
    }

    public void Dispose()
    {
        foreach (var parameter in Ordered) parameter.grad = null;
        Weights.Dispose();
    }
}
