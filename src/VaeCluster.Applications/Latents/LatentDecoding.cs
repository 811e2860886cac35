using VaeCluster.Applications.Reconstruction;
using static TorchSharp.torch;

namespace VaeCluster.Applications.Latents;

/// <summary>The pictures that a file of latents stands for: its means, decoded as they were encoded, a batch at a time.</summary>
public static class LatentDecoding
{
    /// <summary>
    /// Writes NAME-NUMBER.png for each row, in the folders that the images had. In the batches of the encoder, so that the pictures are
    /// those of the reconstructions, to the bit.
    /// </summary>
    /// <param name="batch">Null takes the encoder's.</param>
    /// <param name="tiled">One by one, in tiles: for images too large for the memory; equal but for the last digits.</param>
    /// <exception cref="UserErrorException">The latents are not this model's.</exception>
    public static void Run(AppliedModel model, LatentFile latents, OutputFolder output, int? batch, bool tiled, IProgress<long> progress, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(latents);
        ThrowIfUnfit(model, latents, tiled);
        var atOnce = tiled ? 1 : batch ?? latents.Batch ?? model.DefaultBatch;
        ArgumentOutOfRangeException.ThrowIfLessThan(atOnce, 1, nameof(batch));
        var scratch = Path.GetDirectoryName(output.In("any"))!;
        for (var first = 0L; first < latents.Count; first += atOnce)
        {
            cancellation.ThrowIfCancellationRequested();
            using var scope = NewDisposeScope();
            using var guard = no_grad();
            var count = Math.Min(atOnce, latents.Count - first);
            var means = latents.Means(first, count);
            var images = tiled ? model.Model.ToPixels(model.Model.DecodeTiled(means.to(model.Device), scratch)) : model.Decode(means);
            foreach (var (i, picture) in model.ToPictures(images).Index()) picture.Save(output.In(Reconstructor.FileName(latents.Images[(int)first + i])));
            progress.Report(first + count);
        }
    }

    private static void ThrowIfUnfit(AppliedModel model, LatentFile latents, bool tiled)
    {
        var (own, theirs) = (model.LatentShape, latents.Shape);
        var fits = own == theirs || (model.Model.TakesAnySize && own.Channels == theirs.Channels);
        if (!fits) throw new UserErrorException($"The latents are {theirs}, and those of {model.Name} are {own}. Name the model that they were encoded with (--model).");
        if (tiled && !model.Model.TakesAnySize)
            throw new UserErrorException($"--tiled: {model.Name} makes pictures of {model.InputShape} alone, which need no tiles. Leave it out.");
    }
}
