namespace VaeCluster.Models.Objectives;

/// <summary>The losses of a number of samples in the units in which people compare them. One sample's, unless named otherwise.</summary>
/// <param name="Samples">How many were averaged.</param>
/// <param name="Loss">Recon + beta * KL, with free bits: what was minimised.</param>
/// <param name="Recon">Summed over the pixels and channels.</param>
/// <param name="Kl">Nats, summed over the latents, without free bits.</param>
/// <param name="ReconPerPixel">Recon divided by channels * height * width.</param>
/// <param name="KlPerLatent">KL divided by the latent's numbers.</param>
/// <param name="Psnr">Decibels, from the mean squared error over all samples.</param>
public readonly record struct LossReport(
    long Samples, double Loss, double Recon, double Kl, double ReconPerPixel, double KlPerLatent, double Psnr)
{
    public static LossReport Of(LossSums sums, SampleShape input, SampleShape latent, PixelRange range)
    {
        double n = sums.Samples;
        return new(
            sums.Samples,
            Loss: sums.Total / n,
            Recon: sums.Recon / n,
            Kl: sums.Kl / n,
            ReconPerPixel: sums.Recon / (n * input.Elements),
            KlPerLatent: sums.Kl / (n * latent.Elements),
            Psnr: PsnrOf(sums.SquaredError / (n * input.Elements), range));
    }

    public static LossReport Of(LossSums sums, ImageAutoencoder model) =>
        Of(sums, model.InputShape, model.LatentShape, model.PixelRange);

    /// <summary>10 log10(peak^2 / mean squared error); the peak is the distance from black to white.</summary>
    public static double PsnrOf(double meanSquaredError, PixelRange range)
    {
        var peak = range == PixelRange.ZeroToOne ? 1.0 : 2.0;
        return 10 * Math.Log10(peak * peak / meanSquaredError);
    }
}
