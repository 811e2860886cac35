using VaeCluster.Models.Blocks;
using VaeCluster.Models.Layers;
using VaeCluster.Models.Presets;
using VaeCluster.Models.Tiles;
using static TorchSharp.torch;

namespace VaeCluster.Models;

/// <summary>
/// A model that turns images [B, C, H, W] into latents and back. Variational: <see cref="Encode"/> gives the moments of a
/// Gaussian for each latent, and whoever trains it draws from them. Ordinary (<see cref="ModelOptions.Variational"/> off):
/// the code itself and no variance.
/// </summary>
public abstract class ImageAutoencoder : nn.Module
{
    // Beyond these the KL overflows in fp32 or its gradient vanishes.
    private const double SmallestLogVariance = -30;
    private const double LargestLogVariance = 20;

    protected ImageAutoencoder(string name, SampleShape input, SampleShape latent, bool variational) : base(name)
    {
        InputShape = input;
        LatentShape = latent;
        Variational = variational;
    }

    public SampleShape InputShape { get; }

    public SampleShape LatentShape { get; }

    public bool Variational { get; }

    /// <summary>The range of the pixels that go in, and of the pictures that <see cref="ToPixels"/> gives.</summary>
    public virtual PixelRange PixelRange => PixelRange.MinusOneToOne;

    /// <summary>True when <see cref="Decode"/> gives logits of the pixels, for binary cross entropy.</summary>
    public virtual bool DecodesToLogits => false;

    /// <summary>Additions and multiplications of one encoding and one decoding of one sample.</summary>
    public abstract long ForwardFlops { get; }

    public long ParameterCount => parameters().Sum(parameter => parameter.numel());

    /// <summary>The model that the options describe, with PyTorch's initial weights drawn from the default generator.</summary>
    public static ImageAutoencoder Create(ModelOptions options) => Preset.Find(options.Preset).Architecture switch
    {
        Architecture.StableDiffusion => new StableDiffusion.StableDiffusionAutoencoder(options),
        Architecture.SmallStableDiffusion => new StableDiffusion.SmallStableDiffusionAutoencoder(options),
        Architecture.StridedConvolutions => new Convolutional.StridedAutoencoder(options),
        Architecture.Digits => new Convolutional.DigitsAutoencoder(options),
        var other => throw new InvalidOperationException($"No model for {other}."),
    };

    /// <summary>
    /// Images [B, C, H, W] to the mean, and the log of the variance (null unless <see cref="Variational"/>), of their
    /// latents, each [B, latent C, latent H, latent W]. The mean is the mode: the code to use outside training.
    /// </summary>
    public (Tensor Mean, Tensor? LogVariance) Encode(Tensor images)
    {
        using var scope = NewDisposeScope();
        var (mean, logVariance) = Moments(images);
        if (!Variational) return (mean.MoveToOuterDisposeScope(), null);
        var clamped = logVariance!.clamp(SmallestLogVariance, LargestLogVariance);
        return (mean.MoveToOuterDisposeScope(), clamped.MoveToOuterDisposeScope());
    }

    /// <summary>
    /// Latents [B, latent C, latent H, latent W] to images [B, C, H, W]: in the model's range, not clamped to it, or as
    /// logits (<see cref="DecodesToLogits"/>).
    /// </summary>
    public Tensor Decode(Tensor latents)
    {
        using var scope = NewDisposeScope();
        return Reconstruct(latents).MoveToOuterDisposeScope();
    }

    /// <summary>True where images of other sizes than <see cref="InputShape"/> can be taken too: nothing in the model knows the size.</summary>
    public virtual bool TakesAnySize => false;

    /// <summary>
    /// The same as <see cref="Decode"/> for one latent of any size, in little memory: a layer at a time, tile by tile, what lies
    /// between the layers in files. Equal but for the last digits of fp32.
    /// </summary>
    /// <param name="latent">[1, latent C, h, w]</param>
    /// <param name="folder">For the files, which are gone afterwards: up to three times the activations of the largest layer.</param>
    /// <param name="tileBytes">Of a tile; some of them are in memory at once.</param>
    /// <returns>[1, C, H, W], like <see cref="Decode"/>.</returns>
    /// <exception cref="NotSupportedException">The model takes one size alone.</exception>
    public Tensor DecodeTiled(Tensor latent, string folder, long tileBytes = 4 << 20)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(latent.shape[0], 1, nameof(latent));
        using var guard = no_grad();
        using var scope = NewDisposeScope();
        var pass = new TiledPass(folder, tileBytes, latent.device);
        using var input = pass.Store(latent);
        using var output = ReconstructTiled(input, pass);
        return output.Rows(0, output.Shape.Height).contiguous().MoveToOuterDisposeScope();
    }

    /// <summary>What <see cref="Decode"/> gave, as pixels of <see cref="PixelRange"/>; not clamped.</summary>
    public Tensor ToPixels(Tensor decoded) => DecodesToLogits ? decoded.sigmoid() : decoded;

    /// <summary>What <see cref="Decode"/> gave, as a picture in [0, 1].</summary>
    public Tensor ToPicture(Tensor decoded)
    {
        using var scope = NewDisposeScope();
        var pixels = ToPixels(decoded);
        return (PixelRange == PixelRange.ZeroToOne ? pixels : (pixels + 1) * 0.5).clamp(0, 1).MoveToOuterDisposeScope();
    }

    /// <summary>z = mean + exp(logvar / 2) * noise, or the mean itself when there is no variance.</summary>
    public static Tensor Sample(Tensor mean, Tensor? logVariance, Tensor? noise)
    {
        if (logVariance is null) return mean.alias();
        ArgumentNullException.ThrowIfNull(noise);
        using var scope = NewDisposeScope();
        return (mean + (logVariance * 0.5).exp() * noise).MoveToOuterDisposeScope();
    }

    /// <summary>Mean and log variance, the latter not clamped yet and null when the model is not variational.</summary>
    protected abstract (Tensor Mean, Tensor? LogVariance) Moments(Tensor images);

    protected abstract Tensor Reconstruct(Tensor latents);

    private protected virtual StoredImage ReconstructTiled(StoredImage latents, TiledPass pass) =>
        throw new NotSupportedException($"{GetName()} takes images of {InputShape} alone, which need no tiles.");

    /// <summary>
    /// The layers that an encoding and a decoding go through, each with what it is given there. A convolution or a norm that
    /// stands alone between blocks is not among them.
    /// </summary>
    /// <param name="images">[B, C, H, W]</param>
    /// <param name="noise">[B, latent C, H, W]; null decodes the mean.</param>
    public IReadOnlyList<ModelLayer> Layers(Tensor images, Tensor? noise)
    {
        using var scope = NewDisposeScope();
        using var watch = new LayerWatch(this);
        var (mean, logVariance) = Encode(images);
        Decode(Sample(mean, noise is null ? null : logVariance, noise));
        return watch.Layers;
    }

    /// <summary>Registers a part under its name in state_dict.</summary>
    protected T Add<T>(string name, T module) where T : nn.Module
    {
        register_module(name, module);
        return module;
    }

    /// <summary>Nothing by reflection: <see cref="Add"/> has named every part.</summary>
    protected override void RegisterComponents() { }

    /// <summary>The cost of one encoding and one decoding, followed through both halves.</summary>
    private protected long CountFlops(Block encoder, Block decoder)
    {
        var (encoding, decoding) = (new ShapeTrace(InputShape), new ShapeTrace(LatentShape));
        encoder.Trace(encoding);
        decoder.Trace(decoding);
        return encoding.Flops + decoding.Flops;
    }

    /// <summary>Channels of the encoder's output: the mean's, and as many for the log variance.</summary>
    private protected static long MomentChannels(ModelOptions options) => options.Variational ? 2L * options.Latent : options.Latent;

    /// <summary>The encoder's output [B, 2 * latent, H, W] in its two halves, or as it is.</summary>
    private protected (Tensor Mean, Tensor? LogVariance) Split(Tensor moments)
    {
        if (!Variational) return (moments, null);
        var halves = moments.chunk(2, dim: 1);
        return (halves[0], halves[1]);
    }
}
