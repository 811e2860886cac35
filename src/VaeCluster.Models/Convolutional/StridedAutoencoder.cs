using VaeCluster.Models.Blocks;
using static TorchSharp.torch;

namespace VaeCluster.Models.Convolutional;

/// <summary>
/// Halving convolutions to a few pixels, a fully connected layer to the moments of a latent without place, and the way back
/// by doubling ones. One layer gives both moments, the mean first: the same as a layer for each.
/// </summary>
internal sealed class StridedAutoencoder : ImageAutoencoder
{
    private const double Slope = 0.01;

    private readonly Chain _encoder, _decoder;

    public StridedAutoencoder(ModelOptions options)
        : base("StridedAutoencoder", options.InputShape, new(options.Latent, 1, 1), options.Variational)
    {
        var rectifier = new Rectifier(options.Eps, Slope);
        var side = options.ImageSize >> options.Widths.Count;
        var top = new SampleShape(options.Widths[^1], side, side);
        _encoder = Add("encoder", new Chain(
            ("stages", new Chain(Shrink())),
            ("head", new FullyConnected(top, new(MomentChannels(options), 1, 1)))));
        _decoder = Add("decoder", new Chain(
            ("project", new FullyConnected(LatentShape, top)),
            ("stages", new Chain(Grow())),
            ("head", ConvStage.Shrink(options.DecoderWidths[^1], options.Channels, new(Side: 3, Stride: 1, Padding: 1)))));

        IEnumerable<Block> Shrink()
        {
            long channels = options.Channels;
            foreach (var width in options.Widths)
            {
                yield return ConvStage.Shrink(channels, width, new(Side: 3, Stride: 2, Padding: 1), rectifier);
                channels = width;
            }
        }

        IEnumerable<Block> Grow()
        {
            long channels = top.Channels;
            foreach (var width in options.DecoderWidths)
            {
                yield return ConvStage.Grow(channels, width, new(Side: 3, Stride: 2, Padding: 1, OutputPadding: 1), rectifier);
                channels = width;
            }
        }
    }

    public override long ForwardFlops => CountFlops(_encoder, _decoder);

    protected override (Tensor Mean, Tensor? LogVariance) Moments(Tensor images) => Split(_encoder.forward(images));

    protected override Tensor Reconstruct(Tensor latents) => _decoder.forward(latents).tanh();
}
