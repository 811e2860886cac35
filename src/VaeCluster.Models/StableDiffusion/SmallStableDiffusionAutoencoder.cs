using VaeCluster.Models.Blocks;
using VaeCluster.Models.Tiles;
using static TorchSharp.torch;

namespace VaeCluster.Models.StableDiffusion;

/// <summary>
/// The same blocks at a twentieth of the parameters: the halving convolutions change the width, doubling the resolution has
/// no convolution of its own, attention has several heads, and nothing stands between the latents and the coders.
/// </summary>
internal sealed class SmallStableDiffusionAutoencoder : ImageAutoencoder
{
    private readonly Coder _encoder, _decoder;

    public SmallStableDiffusionAutoencoder(ModelOptions options)
        : base("SmallStableDiffusion", options.InputShape, options.ConvolutionalLatent, options.Variational)
    {
        var style = BlockStyle.Of(options);
        var widths = options.Widths;
        int top = widths[^1], layers = options.LayersPerBlock;
        _encoder = Add("encoder", Coder.Encoder(
            new(options.Channels, widths[0], top, MomentChannels(options)), Down(), Mid(), style));
        _decoder = Add("decoder", Coder.Decoder(
            new(options.Latent, top, widths[0], options.Channels), Mid(), Up(), style));

        MidBlock Mid() => new(top, new AttentionBlock(top, options.Heads, Projections.Fused, style), style);

        // The coarsest resolution has the mid block alone.
        IEnumerable<Block> Down()
        {
            for (var i = 0; i < widths.Count - 1; i++)
            {
                int width = widths[i], next = widths[i + 1];
                yield return new Chain(
                    ("resnets", new Chain(Enumerable.Range(0, layers).Select(_ => new ResidualBlock(width, width, style)))),
                    ("downsamplers", new Chain([new Halving(width, next, DownPadding.Around)])));
            }
        }

        // At each level the last block of the usual number changes the width; the finest has one more after it.
        IEnumerable<Block> Up()
        {
            for (var i = widths.Count - 2; i >= 0; i--)
            {
                int width = widths[i + 1], next = widths[i];
                var resnets = Enumerable.Range(0, layers)
                    .Select(j => new ResidualBlock(width, j == layers - 1 ? next : width, style, doubling: j == 0));
                if (i == 0) resnets = resnets.Append(new ResidualBlock(next, next, style));
                yield return new Chain(("resnets", new Chain(resnets)));
            }
        }
    }

    public override bool TakesAnySize => true;

    public override long ForwardFlops => CountFlops(_encoder, _decoder);

    protected override (Tensor Mean, Tensor? LogVariance) Moments(Tensor images) => Split(_encoder.forward(images));

    private protected override StoredImage ReconstructTiled(StoredImage latents, TiledPass pass) => _decoder.ApplyTiled(latents, pass);

    protected override Tensor Reconstruct(Tensor latents) => _decoder.forward(latents);
}
