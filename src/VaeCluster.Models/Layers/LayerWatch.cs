using VaeCluster.Models.Blocks;
using static TorchSharp.torch;

namespace VaeCluster.Models.Layers;

/// <summary>Sees each block that this thread goes through, until disposed. A block that is made of blocks is no layer.</summary>
internal sealed class LayerWatch : IDisposable
{
    [ThreadStatic]
    private static LayerWatch? current;

    private readonly Dictionary<nn.Module, string> names;
    private readonly List<ModelLayer> layers = [];

    public LayerWatch(ImageAutoencoder model)
    {
        names = model.named_modules().ToDictionary(part => part.module, part => part.name);
        current = this;
    }

    /// <summary>In the order in which they were met.</summary>
    public IReadOnlyList<ModelLayer> Layers => layers;

    public static void See(Block block, Tensor input) => current?.Add(block, input);

    public void Dispose() => current = null;

    private void Add(Block block, Tensor input)
    {
        if (block.modules().Any(part => part is Block && part != block)) return;
        var trace = new ShapeTrace(new(input.shape[1], input.shape[2], input.shape[3]));
        block.Trace(trace);
        var given = input.detach().clone().DetachFromDisposeScope();
        given.requires_grad = input.requires_grad;
        layers.Add(new(names[block], block, given, trace.Shape, trace.Flops));
    }
}
