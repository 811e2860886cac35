using static TorchSharp.torch;

namespace VaeCluster.Applications.Evaluation;

/// <summary>
/// Features of pictures for a Frechet distance: the means of another model's latents. Distances compare under one feature model
/// alone, and never with FID figures, whose features are Inception's.
/// </summary>
public sealed class FeatureModel : IDisposable
{
    // The covariance of so many numbers is 128 MiB; beyond, a latent's places are averaged.
    private const long Most = 4096;

    private readonly AppliedModel model;

    /// <param name="model">Is disposed with this.</param>
    public FeatureModel(AppliedModel model)
    {
        ArgumentNullException.ThrowIfNull(model);
        this.model = model;
    }

    public string Name => model.Name;

    /// <summary>Whether each channel's places in the latent are averaged, since they are too many to tell apart.</summary>
    public bool IsPooled => model.LatentShape.Elements > Most;

    /// <summary>Pictures [B, C, H, W] in [0, 1], of any size and channels, to features [B, F].</summary>
    public Tensor Of(Tensor pictures)
    {
        ArgumentNullException.ThrowIfNull(pictures);
        using var guard = no_grad();
        using var scope = NewDisposeScope();
        var (channels, height, width) = (model.InputShape.Channels, model.InputShape.Height, model.InputShape.Width);
        var input = pictures.to(model.Device);
        if (input.shape[1] != channels) input = channels == 1 ? Grey(input) : input.expand(-1, channels, -1, -1);
        if (input.shape[2] != height || input.shape[3] != width)
            input = nn.functional.interpolate(input, [height, width], mode: InterpolationMode.Bilinear, align_corners: false);
        if (model.Model.PixelRange == Models.PixelRange.MinusOneToOne) input = input * 2 - 1;
        var mean = model.Encode(input).Mean;
        return (IsPooled ? mean.flatten(2).mean([2L]) : mean.flatten(1)).MoveToOuterDisposeScope();
    }

    public void Dispose() => model.Dispose();

    // ITU-R 601.
    private static Tensor Grey(Tensor colour) =>
        colour.narrow(1, 0, 1) * 0.299 + colour.narrow(1, 1, 1) * 0.587 + colour.narrow(1, 2, 1) * 0.114;
}
