using System.Globalization;
using VaeCluster.Applications.Sheets;
using VaeCluster.Applications.Similarity;
using VaeCluster.Data.Images;
using VaeCluster.Data.Inputs;
using static TorchSharp.torch;

namespace VaeCluster.Applications.Reconstruction;

/// <summary>
/// What a model makes of images, by the mean of their latents, into a folder: each reconstruction, each image beside it with a
/// map of the error, tables with the worst first, sheets of the worst and of the best.
/// </summary>
public static class Reconstructor
{
    public const string Reconstructions = "reconstructions", Comparisons = "comparisons";

    private const int Shown = 16;
    private const int PairsInRow = 2;

    /// <param name="model">Opened.</param>
    /// <param name="inputs">Opened for the model.</param>
    /// <param name="folder">Is not completed here.</param>
    /// <param name="batch">Images that go through the model at once.</param>
    /// <param name="filePerImage">Off: tables and sheets alone.</param>
    /// <param name="progress">Images done.</param>
    /// <param name="cancellation">Gives it up.</param>
    /// <returns>All of them, the worst first.</returns>
    public static IReadOnlyList<Reconstructed> Run(AppliedModel model, ImageInputs inputs, OutputFolder folder, int batch, bool filePerImage,
        IProgress<long> progress, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(inputs);
        ArgumentNullException.ThrowIfNull(folder);
        ArgumentNullException.ThrowIfNull(progress);
        var all = new List<Reconstructed>();
        var (worst, best) = (new Extremes(Shown, Worse), new Extremes(Shown, Comparer<Reconstructed>.Create((a, b) => Worse.Compare(b, a))));
        foreach (var images in inputs.Batches(batch, cancellation))
        {
            using var scope = NewDisposeScope();
            var originals = model.ToTensor(images);
            var rebuilt = model.Decode(model.Encode(originals).Mean);
            var similarity = ImageSimilarity.Of(model.ToUnit(originals), model.ToUnit(rebuilt));
            var (before, after) = (model.ToPictures(originals), model.ToPictures(rebuilt));
            for (var i = 0; i < images.Count; i++)
            {
                var one = new Reconstructed(images.Images[i], similarity[i]);
                all.Add(one);
                worst.Add(one, before[i], after[i]);
                best.Add(one, before[i], after[i]);
                if (!filePerImage) continue;
                var name = FileName(one.Image);
                File.WriteAllBytes(folder.In($"{Reconstructions}/{name}"), after[i].Encode());
                File.WriteAllBytes(folder.In($"{Comparisons}/{name}"), Sheet("", [new(one, before[i], after[i])], 1).Encode());
            }
            progress.Report(all.Count);
        }
        all.Sort(Worse);
        if (all.Count == 0) throw new UserErrorException("None of the images decodes: nothing is left to reconstruct.");
        Sheet($"worst of {all.Count.ToString("N0", CultureInfo.InvariantCulture)}", worst.Kept, PairsInRow).Save(folder.In("worst.png"));
        Sheet($"best of {all.Count.ToString("N0", CultureInfo.InvariantCulture)}", best.Kept, PairsInRow).Save(folder.In("best.png"));
        ReconstructionTables.Write(folder, model, all);
        return all;
    }

    /// <summary>Unlike for any two images, even of one path.</summary>
    internal static string FileName(ImageOrigin image) => image.PathWith(string.Create(CultureInfo.InvariantCulture, $"-{image.Index + 1:D6}.png"));

    // By PSNR; equal ones in their order.
    private static readonly Comparer<Reconstructed> Worse = Comparer<Reconstructed>.Create((a, b) =>
        a.Similarity.Psnr != b.Similarity.Psnr ? a.Similarity.Psnr.CompareTo(b.Similarity.Psnr) : a.Image.Index.CompareTo(b.Image.Index));

    private static Picture Sheet(string title, IReadOnlyList<Extreme> shown, int inRow)
    {
        inRow = Math.Min(inRow, shown.Count);
        var sheet = new PictureSheet { Title = title, Headings = [.. Enumerable.Repeat((string[])["original", "reconstruction", "error"], inRow).SelectMany(heading => heading)] };
        var cells = shown.SelectMany(one => (Cell[])
        [
            new(one.Before, Short(one.Of.Image)),
            new(one.After, FormattableString.Invariant($"PSNR {one.Of.Similarity.Psnr:F2}")),
            new(ErrorMap.Of(one.Before, one.After), double.IsNaN(one.Of.Similarity.Ssim) ? "" : FormattableString.Invariant($"SSIM {one.Of.Similarity.Ssim:F3}")),
        ]);
        sheet.AddAll(cells, 3 * inRow);
        return sheet.Draw();
    }

    // The place in a file of many, or the end of a path, which tells more than its start.
    private static string Short(ImageOrigin image)
    {
        const int most = 14;
        var place = image.Name.LastIndexOf('#');
        var name = place > 0 ? image.Name[place..] : image.Path[(image.Path.LastIndexOf('/') + 1)..];
        return name.Length <= most ? name : $"..{name[^(most - 2)..]}";
    }

    private sealed record Extreme(Reconstructed Of, Picture Before, Picture After);

    /// <summary>The first so many in an order, kept with their pictures.</summary>
    private sealed class Extremes(int most, Comparer<Reconstructed> order)
    {
        private readonly List<Extreme> kept = [];

        public IReadOnlyList<Extreme> Kept => kept;

        public void Add(Reconstructed one, Picture before, Picture after)
        {
            if (kept.Count == most && order.Compare(one, kept[^1].Of) >= 0) return;
            var place = kept.FindIndex(other => order.Compare(one, other.Of) < 0);
            kept.Insert(place < 0 ? kept.Count : place, new(one, before, after));
            if (kept.Count > most) kept.RemoveAt(most);
        }
    }
}
