using VaeCluster.Models.Layers;
using VaeCluster.Models.Tiles;
using static TorchSharp.torch;

namespace VaeCluster.Models.Blocks;

/// <summary>
/// A part of a model, [B, C, H, W] to [B, C', H', W']. Intermediate tensors end with the block, so that from there on
/// autograd alone decides how long an activation lives.
/// </summary>
internal abstract class Block(string name) : nn.Module<Tensor, Tensor>(name)
{
    public sealed override Tensor forward(Tensor input)
    {
        LayerWatch.See(this, input);
        using var scope = NewDisposeScope();
        return Apply(input).MoveToOuterDisposeScope();
    }

    /// <summary>Carries the shape through the block and counts what it costs.</summary>
    public abstract void Trace(ShapeTrace trace);

    /// <summary>The same for one image that is never whole in memory. The caller disposes both.</summary>
    /// <exception cref="NotSupportedException">The block takes images of one size, which need no tiles.</exception>
    public virtual StoredImage ApplyTiled(StoredImage x, TiledPass pass) => throw new NotSupportedException($"{GetType().Name} takes images of one size.");

    protected abstract Tensor Apply(Tensor x);

    /// <summary>Registers a part under its name in state_dict.</summary>
    protected T Add<T>(string name, T module) where T : nn.Module
    {
        register_module(name, module);
        return module;
    }

    /// <summary>Nothing by reflection: <see cref="Add"/> has named every part.</summary>
    protected override void RegisterComponents() { }
}
