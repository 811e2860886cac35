using VaeCluster.Models.Blocks;
using VaeCluster.Torch;
using static TorchSharp.torch;

namespace VaeCluster.Models.Tiles;

/// <summary>
/// One image through a decoder, a layer at a time and in each layer a tile at a time; between layers it lies in a file. A tile is
/// a number of rows at full width. A convolution reads one row more on both sides than it writes, and a normalisation has the
/// moments of the whole image, so that this is the same function as the decoder on the whole image: no seams to blend, and each
/// number computed once. What differs is the order in which moments and products are added, in the last digits of fp32.
/// Memory: some tiles, and at the attention a few tensors of the size of the latents' activations.
/// </summary>
/// <param name="folder">For the files: twice to three times the largest layer's activations.</param>
/// <param name="tileBytes">Of the wider of a layer's input and output; a tile has at least <see cref="FewestRows"/> rows all the same.</param>
internal sealed class TiledPass(string folder, long tileBytes, Device device)
{
    private const int FewestRows = 8;

    public StoredImage Store(Tensor image)
    {
        var stored = Empty(new(image.shape[1], image.shape[2], image.shape[3]));
        stored.Append(image);
        return stored;
    }

    public StoredImage Empty(SampleShape shape) => new(folder, shape, device);

    /// <summary>Norm and SiLU, where there is one, and a convolution that keeps the size or doubles it.</summary>
    /// <param name="width">Channels of the output.</param>
    /// <param name="halo">Rows that the kernel reaches beyond a pixel: 1 for 3x3, 0 for 1x1.</param>
    /// <param name="finish">What is done to the rows [first, end) of the output.</param>
    public StoredImage Convolve(StoredImage input, GroupNormSilu? norm, Conv conv, long width, long halo = 1, bool doubling = false,
        Func<Tensor, long, long, Tensor>? finish = null)
    {
        using var layer = NewDisposeScope();
        var shape = input.Shape;
        var scale = doubling ? 2 : 1;
        var normalise = norm is null ? null : Normaliser(norm, input);
        var output = Empty(new(width, scale * shape.Height, scale * shape.Width));
        var rows = RowsOf(Math.Max(shape.Channels * shape.Width, output.Shape.Channels * output.Shape.Width * scale));
        for (var first = 0L; first < shape.Height; first += rows)
        {
            using var scope = NewDisposeScope();
            var end = Math.Min(first + rows, shape.Height);
            var (from, to) = (Math.Max(first - halo, 0), Math.Min(end + halo, shape.Height));
            var tile = input.Rows(from, to);
            if (normalise is not null) tile = normalise(tile);
            var result = doubling ? conv.ForwardDoubled(tile) : conv.forward(tile);
            // The rows beyond were convolved with zeros in place of what lies behind them.
            result = result.narrow(2, scale * (first - from), scale * (end - first));
            output.Append(finish is null ? result : finish(result, scale * first, scale * end));
        }
        return output;
    }

    /// <summary>
    /// Group normalisation of tiles [1, C, rows, W] by the moments of the whole image: a factor and a summand for each channel, then
    /// SiLU if the layer has it. It lives as long as the caller's dispose scope.
    /// </summary>
    public Func<Tensor, Tensor> Normaliser(GroupNormSilu norm, StoredImage image)
    {
        var (mean, variance) = image.Moments(norm.Groups);
        using var scope = NewDisposeScope();
        var size = image.Shape.Channels / norm.Groups;
        var inverse = tensor([.. variance.Select(value => 1 / Math.Sqrt(value + norm.Eps))], ScalarType.Float64);
        var weight = norm.Weight.to(ScalarType.Float64).cpu().view(norm.Groups, size) * inverse.unsqueeze(1);
        var bias = norm.Bias.to(ScalarType.Float64).cpu().view(norm.Groups, size) - weight * tensor(mean, ScalarType.Float64).unsqueeze(1);
        var factor = weight.view(1, -1, 1, 1).to(ScalarType.Float32).to(device).MoveToOuterDisposeScope();
        var summand = bias.view(1, -1, 1, 1).to(ScalarType.Float32).to(device).MoveToOuterDisposeScope();
        return tile =>
        {
            using var inner = NewDisposeScope();
            var normalised = (tile * factor).add_(summand);
            return (norm.HasSilu ? nn.functional.silu(normalised) : normalised).MoveToOuterDisposeScope();
        };
    }

    /// <summary>Through one block after the other; nothing is kept of what lies between them.</summary>
    public StoredImage Through(StoredImage input, IEnumerable<Block> blocks)
    {
        var x = input;
        foreach (var block in blocks)
        {
            var before = x;
            x = block.ApplyTiled(before, this);
            if (before != input) before.Dispose();
        }
        return x;
    }

    /// <summary>Even, so that a doubled tile can be cut out of its input.</summary>
    private long RowsOf(long rowValues) => Math.Max(tileBytes / (rowValues * sizeof(float)) / 2 * 2, FewestRows);

    /// <summary>Positions of which an attention can weigh all others at once.</summary>
    public long QueriesOf(long positions, long heads) => Math.Max(tileBytes / (positions * heads * sizeof(float)), 1);
}
