using VaeCluster.Models.Blocks;
using VaeCluster.Models.Tiles;
using VaeCluster.Torch;
using static TorchSharp.torch;

namespace VaeCluster.Models.StableDiffusion;

/// <summary>
/// An encoder or a decoder of this family: a convolution, the levels with the mid block at the small end, then norm, SiLU
/// and a convolution.
/// </summary>
internal sealed class Coder : Block
{
    private readonly Conv _convIn, _convOut;
    private readonly Block[] _levels;
    private readonly GroupNormSilu _normOut;
    private readonly (long In, long Out) _widths;

    private Coder(Ends ends, BlockStyle style, params (string Name, Block Block)[] levels) : base("Coder")
    {
        _widths = (ends.FirstWidth, ends.ChannelsOut);
        _convIn = Add("conv_in", new Conv(ends.ChannelsIn, ends.FirstWidth, kernel: 3, padding: 1));
        _levels = [.. levels.Select(level => Add(level.Name, level.Block))];
        _normOut = Add("conv_norm_out", style.Norm(ends.LastWidth));
        _convOut = Add("conv_out", new Conv(ends.LastWidth, ends.ChannelsOut, kernel: 3, padding: 1));
    }

    /// <summary>The widths at both ends of a coder.</summary>
    public readonly record struct Ends(long ChannelsIn, long FirstWidth, long LastWidth, long ChannelsOut);

    /// <summary>Levels from fine to coarse, then the mid block.</summary>
    public static Coder Encoder(Ends ends, IEnumerable<Block> down, MidBlock mid, BlockStyle style) =>
        new(ends, style, ("down_blocks", new Chain(down)), ("mid_block", mid));

    /// <summary>The mid block, then levels from coarse to fine.</summary>
    public static Coder Decoder(Ends ends, MidBlock mid, IEnumerable<Block> up, BlockStyle style) =>
        new(ends, style, ("mid_block", mid), ("up_blocks", new Chain(up)));

    public override void Trace(ShapeTrace trace)
    {
        trace.Conv(_widths.In, kernel: 3, padding: 2);
        foreach (var level in _levels) level.Trace(trace);
        trace.Conv(_widths.Out, kernel: 3, padding: 2);
    }

    public override StoredImage ApplyTiled(StoredImage x, TiledPass pass)
    {
        using var first = pass.Convolve(x, norm: null, _convIn, _widths.In);
        using var last = pass.Through(first, _levels);
        return pass.Convolve(last, _normOut, _convOut, _widths.Out);
    }

    protected override Tensor Apply(Tensor x)
    {
        x = _convIn.forward(x);
        foreach (var level in _levels) x = level.forward(x);
        return _convOut.forward(_normOut.forward(x));
    }
}
