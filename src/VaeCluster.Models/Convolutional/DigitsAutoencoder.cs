using VaeCluster.Models.Blocks;
using static TorchSharp.torch;

namespace VaeCluster.Models.Convolutional;

/// <summary>
/// After DCGAN, for digits: three convolutions without padding from 28 to 1 pixel and four transposed ones back, to logits
/// of pixels in [0, 1].
/// </summary>
internal sealed class DigitsAutoencoder : ImageAutoencoder
{
    /// <summary>28 -> 13 -> 5 -> 1.</summary>
    private static readonly Kernel Shrinking = new(Side: 4, Stride: 2);

    /// <summary>1 -> 3 -> 6 -> 13 -> 28.</summary>
    private static readonly Kernel[] Growing = [new(Side: 3, Stride: 2), new(Side: 4, Stride: 1), new(Side: 3, Stride: 2), new(Side: 4, Stride: 2)];

    private readonly Chain _encoder, _decoder;

    public DigitsAutoencoder(ModelOptions options)
        : base("DigitsAutoencoder", options.InputShape, new(options.Latent, 1, 1), options.Variational)
    {
        var (leaky, relu) = (new Rectifier(options.Eps, Slope: 0.2), new Rectifier(options.Eps, Slope: 0));
        var (down, up) = (options.Widths, options.DecoderWidths);
        _encoder = Add("encoder", new Chain(
            ("stages", new Chain([
                ConvStage.Shrink(options.Channels, down[0], Shrinking, leaky), // [B, 16, 13, 13]
                ConvStage.Shrink(down[0], down[1], Shrinking, leaky), // [B, 32, 5, 5]
            ])),
            ("head", ConvStage.Shrink(down[1], MomentChannels(options), Shrinking)))); // [B, 2 * latent, 1, 1]
        _decoder = Add("decoder", new Chain(
            ("stages", new Chain([
                ConvStage.Grow(options.Latent, up[0], Growing[0], relu), // [B, 256, 3, 3]
                ConvStage.Grow(up[0], up[1], Growing[1], relu), // [B, 128, 6, 6]
                ConvStage.Grow(up[1], up[2], Growing[2], relu), // [B, 64, 13, 13]
            ])),
            ("head", ConvStage.Grow(up[2], options.Channels, Growing[3])))); // [B, 1, 28, 28]
    }

    public override PixelRange PixelRange => PixelRange.ZeroToOne;

    public override bool DecodesToLogits => true;

    public override long ForwardFlops => CountFlops(_encoder, _decoder);

    protected override (Tensor Mean, Tensor? LogVariance) Moments(Tensor images) => Split(_encoder.forward(images));

    protected override Tensor Reconstruct(Tensor latents) => _decoder.forward(latents);
}
