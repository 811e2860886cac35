using VaeCluster.Models.Tiles;
using static TorchSharp.torch;

namespace VaeCluster.Models.Blocks;

/// <summary>Blocks one after the other, named 0, 1, 2, ... or as given.</summary>
internal sealed class Chain : Block
{
    private readonly Block[] _blocks;

    public Chain(IEnumerable<Block> blocks) : this(blocks.Select((block, i) => ($"{i}", block))) { }

    public Chain(params IEnumerable<(string Name, Block Block)> parts) : base("Chain") =>
        _blocks = [.. parts.Select(part => Add(part.Name, part.Block))];

    public override void Trace(ShapeTrace trace)
    {
        foreach (var block in _blocks) block.Trace(trace);
    }

    public override StoredImage ApplyTiled(StoredImage x, TiledPass pass) => pass.Through(x, _blocks);

    protected override Tensor Apply(Tensor x)
    {
        foreach (var block in _blocks) x = block.forward(x);
        return x;
    }
}
