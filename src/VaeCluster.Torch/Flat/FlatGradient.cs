using static TorchSharp.torch;

namespace VaeCluster.Torch;

/// <summary>One buffer of the layout's length: the gradients of all parameters, and behind them a step's sums.</summary>
public sealed class FlatGradient : IDisposable
{
    private readonly ExternalMemory? memory;

    /// <param name="parameters">Whose gradients they are.</param>
    /// <param name="memory">Zeros that it is to lie in, of the layout's length, on the CPU; null for memory of its own.</param>
    public FlatGradient(FlatParameters parameters, ExternalMemory? memory = null)
    {
        var layout = parameters.Layout;
        this.memory = memory;
        Flat = memory?.ToTensor(layout.Length) ?? zeros(layout.Length, device: parameters.Weights.device).DetachFromDisposeScope();
        Gradients = Flat.narrow(0, 0, layout.ParameterLength).DetachFromDisposeScope();
        Sums = Flat.narrow(0, layout.SumsOffset, layout.Length - layout.SumsOffset).DetachFromDisposeScope();
        Views = [.. layout.Parameters.Select(entry => FlatParameters.View(Flat, entry).DetachFromDisposeScope())];
    }

    /// <summary>[Length]</summary>
    public Tensor Flat { get; }

    /// <summary>[ParameterLength], a view.</summary>
    public Tensor Gradients { get; }

    /// <summary>What is behind the gradients, a view.</summary>
    public Tensor Sums { get; }

    /// <summary>A view per parameter, in the order of the layout.</summary>
    internal IReadOnlyList<Tensor> Views { get; }

    public void Dispose()
    {
        foreach (var view in Views) view.Dispose();
        Gradients.Dispose();
        Sums.Dispose();
        Flat.Dispose();
        GC.KeepAlive(memory);
    }
}
