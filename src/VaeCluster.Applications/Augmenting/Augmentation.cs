using System.Globalization;
using System.Text;
using VaeCluster.Applications.Likelihoods;
using VaeCluster.Applications.Similarity;
using VaeCluster.Data.Inputs;
using static TorchSharp.torch;

namespace VaeCluster.Applications.Augmenting;

/// <summary>
/// Variations of images, to enlarge a training set: draws from what the encoder takes an image for, decoded. Each lies in the
/// folder of its label, as the original does. What is drawn for an image is a function of (seed, its place), not of the batch.
/// </summary>
/// <param name="PerImage">Variations of each image.</param>
/// <param name="Temperature">Of the draws: 0 gives the reconstruction every time, 1 what the model was trained with.</param>
/// <param name="Originals">Write the originals too, at the model's size.</param>
/// <param name="Seed">Of the draws.</param>
public sealed record Augmentation(int PerImage, double Temperature, bool Originals, long Seed)
{
    private const string TableName = "variations.csv";

    /// <summary>Writes DIR/LABEL/.../NAME-1.png and so on, and a table of how far each is from its original.</summary>
    public AugmentationReport Run(AppliedModel model, ImageInputs images, OutputFolder output, int batch, IProgress<long> progress, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(images);
        ArgumentNullException.ThrowIfNull(output);
        if (PerImage < 1) throw new UserErrorException($"--per-image {PerImage}: must be at least 1.");
        if (!(Temperature >= 0) || !double.IsFinite(Temperature)) throw new UserErrorException($"--temperature {Temperature}: must be a number from 0 on.");
        if (!model.Model.Variational) throw new UserErrorException($"{model.Name} is an ordinary autoencoder: it has nothing to draw variations from.");
        var distances = new Distances();
        using var noises = new LatentNoise(Seed);
        using (var table = new StreamWriter(output.In(TableName), append: false, new UTF8Encoding(false)) { NewLine = "\n" })
        {
            table.WriteLine("file,original,label,psnr,latent_distance");
            var done = 0L;
            foreach (var read in images.Batches(Math.Max(1, batch / PerImage), cancellation))
            {
                cancellation.ThrowIfCancellationRequested();
                Write(model, read, noises, output, table, distances);
                progress.Report(done += read.Count);
            }
        }
        return distances.Report();
    }

    private void Write(AppliedModel model, ImageBatch read, LatentNoise noises, OutputFolder output, StreamWriter table, Distances distances)
    {
        using var scope = NewDisposeScope();
        using var guard = no_grad();
        var pixels = model.ToTensor(read); // [B, C, H, W]
        var (mean, logVariance) = model.Encode(pixels);
        var places = read.Images.Select(image => image.Index).ToList();
        var noise = stack(Enumerable.Range(0, PerImage).Select(draw => noises.Draw(model.LatentShape, places, draw)), 1).to(model.Device) * Temperature; // [B, N, C, h, w]
        var away = (logVariance! * 0.5).exp().unsqueeze(1) * noise;
        var latents = (mean.unsqueeze(1) + away).flatten(0, 1); // [B * N, C, h, w]
        var decoded = model.Decode(latents);
        var varied = model.ToUnit(decoded);
        var originals = model.ToUnit(pixels);
        var errors = Numbers((varied.unflatten(0, read.Count, PerImage) - originals.unsqueeze(1)).square().flatten(2).mean([2L]));
        var apart = Numbers(away.square().flatten(2).sum(2L).sqrt());
        var others = read.Count > 1 ? Numbers((originals - cat([originals.narrow(0, 1, read.Count - 1), originals.narrow(0, 0, 1)])).square().flatten(1).mean([1L])) : [];
        distances.Add(errors, apart, others);

        var pictures = model.ToPictures(decoded);
        var shown = Originals ? model.ToPictures(pixels) : [];
        foreach (var (row, image) in read.Images.Index())
        {
            if (Originals) shown[row].Save(output.In(NameOf(image, "")));
            for (var variation = 0; variation < PerImage; variation++)
            {
                var (at, name) = (row * PerImage + variation, NameOf(image, $"-{variation + 1}"));
                pictures[at].Save(output.In(name));
                table.WriteLine(string.Create(CultureInfo.InvariantCulture,
                    $"{Csv.Cell(name)},{Csv.Cell(image.Name)},{Csv.Cell(image.Label)},{ImageSimilarity.PsnrOf(errors[at]):F3},{apart[at]:F4}"));
            }
        }
    }

    // IDX files have no folders: the label makes one.
    private static string NameOf(ImageOrigin image, string ending)
    {
        var name = image.PathWith($"{ending}.png");
        var isInFolder = Path.GetFileName(Path.GetDirectoryName(image.Path)) == image.Label;
        return image.Label is null || isInFolder ? name : $"{image.Label}/{name}";
    }

    private static float[] Numbers(Tensor values) => values.to(ScalarType.Float32).cpu().contiguous().data<float>().ToArray();
}
