using VaeCluster.Models.Blocks;
using VaeCluster.Models.Tiles;
using VaeCluster.Torch;
using static TorchSharp.torch;

namespace VaeCluster.Models.StableDiffusion;

/// <summary>
/// Stable Diffusion's AutoencoderKL, with diffusers' names and shapes in state_dict. The scaling factor of its latents is
/// the business of whoever uses them.
/// </summary>
internal sealed class StableDiffusionAutoencoder : ImageAutoencoder
{
    private readonly Coder _encoder, _decoder;
    private readonly Conv _quant, _postQuant;

    public StableDiffusionAutoencoder(ModelOptions options) : base("AutoencoderKL", options.InputShape, options.ConvolutionalLatent, options.Variational)
    {
        var style = BlockStyle.Of(options);
        var widths = options.Widths;
        int top = widths[^1], layers = options.LayersPerBlock, moments = (int)MomentChannels(options);
        _encoder = Add("encoder", Coder.Encoder(
            new(options.Channels, widths[0], top, moments), Down(), Mid(), style));
        _decoder = Add("decoder", Coder.Decoder(
            new(options.Latent, top, widths[0], options.Channels), Mid(), Up(), style));
        _quant = Add("quant_conv", new Conv(moments, moments, kernel: 1));
        _postQuant = Add("post_quant_conv", new Conv(options.Latent, options.Latent, kernel: 1));

        MidBlock Mid() => new(top, new AttentionBlock(top, options.Heads, Projections.Separate, style), style);

        // At each level the first block changes the width; all but the last halve the resolution.
        IEnumerable<Block> Down()
        {
            var width = widths[0];
            for (var i = 0; i < widths.Count; i++)
            {
                var resnets = Resnets(width, width = widths[i], layers);
                yield return i == widths.Count - 1
                    ? new Chain(("resnets", resnets))
                    : new Chain(("resnets", resnets),
                        ("downsamplers", new Chain([new Halving(width, width, DownPadding.RightAndBottom)])));
            }
        }

        // The same the other way round, with one block more a level.
        IEnumerable<Block> Up()
        {
            var width = top;
            for (var i = widths.Count - 1; i >= 0; i--)
            {
                var resnets = Resnets(width, width = widths[i], layers + 1);
                yield return i == 0
                    ? new Chain(("resnets", resnets))
                    : new Chain(("resnets", resnets), ("upsamplers", new Chain([new Doubling(width)])));
            }
        }

        Chain Resnets(long from, long to, int count) =>
            new(Enumerable.Range(0, count).Select(i => new ResidualBlock(i == 0 ? from : to, to, style)));
    }

    public override bool TakesAnySize => true;

    public override long ForwardFlops => CountFlops(_encoder, _decoder) + MixingFlops;

    protected override (Tensor Mean, Tensor? LogVariance) Moments(Tensor images) =>
        Split(_quant.forward(_encoder.forward(images)));

    private protected override StoredImage ReconstructTiled(StoredImage latents, TiledPass pass)
    {
        using var mixed = pass.Convolve(latents, norm: null, _postQuant, latents.Shape.Channels, halo: 0);
        return _decoder.ApplyTiled(mixed, pass);
    }

    protected override Tensor Reconstruct(Tensor latents) => _decoder.forward(_postQuant.forward(latents));

    /// <summary>The two 1x1 convolutions at the latents.</summary>
    private long MixingFlops
    {
        get
        {
            var (latents, moments) = (LatentShape.Channels, Variational ? 2 * LatentShape.Channels : LatentShape.Channels);
            return 2 * LatentShape.Height * LatentShape.Width * (latents * latents + moments * moments);
        }
    }
}
