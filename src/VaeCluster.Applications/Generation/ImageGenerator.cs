using System.Globalization;
using VaeCluster.Applications.Likelihoods;
using VaeCluster.Applications.Sheets;
using VaeCluster.Data.Images;
using VaeCluster.Data.Inputs;
using static TorchSharp.torch;

namespace VaeCluster.Applications.Generation;

/// <summary>
/// New pictures from a model's decoder: samples of the prior, variations of an image, ways between two images, walks along the
/// latents. Into a folder that is not completed here; what is drawn follows from the seed.
/// </summary>
public sealed class ImageGenerator(AppliedModel model, OutputFolder folder, int batch, long seed)
{
    private const int MostInGrid = 256;
    private const int Frames = 30;

    private static readonly TimeSpan FrameTime = TimeSpan.FromMilliseconds(70);

    /// <summary>count pictures of z from N(0, temperature^2 I): samples/ and grid.png, the first 256.</summary>
    public void Samples(int count, double temperature, IProgress<long> progress, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(progress);
        ThrowIfNoPrior();
        var shown = new List<Cell>();
        using var noise = new LatentNoise(seed);
        foreach (var indices in Enumerable.Range(0, count).Chunk(batch))
        {
            cancellation.ThrowIfCancellationRequested();
            using var scope = NewDisposeScope();
            var pictures = model.ToPictures(model.Decode(noise.Draw(model.LatentShape, indices.Select(index => (long)index)) * temperature));
            Save("samples", indices[0], pictures, shown);
            progress.Report(indices[^1] + 1);
        }
        Grid(shown, FormattableString.Invariant($"samples, temperature {temperature:G4}")).Save(folder.In("grid.png"));
    }

    /// <summary>count pictures of z from q(z|x), its deviation times the temperature: variations/, and variations.png with the image first.</summary>
    public void Variations(ImageInputs image, int count, double temperature, IProgress<long> progress, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(progress);
        ThrowIfNoPrior();
        using var whole = NewDisposeScope();
        var (original, mean, logVariance) = Encode(image, 1, cancellation);
        var deviation = (logVariance! * 0.5).exp() * temperature;
        List<Cell> shown = [new(model.ToPictures(original)[0], "original"), new(model.ToPictures(model.Decode(mean))[0], "mean")];
        using var noise = new LatentNoise(seed);
        foreach (var indices in Enumerable.Range(0, count).Chunk(batch))
        {
            cancellation.ThrowIfCancellationRequested();
            using var scope = NewDisposeScope();
            var drawn = noise.Draw(model.LatentShape, indices.Select(index => (long)index)).to(model.Device);
            Save("variations", indices[0], model.ToPictures(model.Decode(mean + deviation * drawn)), shown);
            progress.Report(indices[^1] + 1);
        }
        Grid(shown, FormattableString.Invariant($"variations, temperature {temperature:G4}")).Save(folder.In("variations.png"));
    }

    /// <summary>
    /// From the mean of one image to that of another, on a line and on a great circle: interpolation.png has steps pictures of
    /// each, linear.png and spherical.png are animations there and back.
    /// </summary>
    public void Interpolation(ImageInputs images, int steps, IProgress<long> progress, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(progress);
        if (steps < 2) throw new UserErrorException($"--steps {steps}: must be at least 2.");
        using var whole = NewDisposeScope();
        var (originals, mean, _) = Encode(images, 2, cancellation);
        var (a, b) = (mean.narrow(0, 0, 1), mean.narrow(0, 1, 1));
        var ends = model.ToPictures(originals);
        var headings = Enumerable.Range(0, steps).Select(step => (step / (steps - 1.0)).ToString("0.##", CultureInfo.InvariantCulture));
        var sheet = new PictureSheet { Title = "linear above, spherical below", Headings = ["from", .. headings, "to"] };
        var done = 0L;
        foreach (var (name, path) in ((string, Func<Tensor, Tensor, double, Tensor>)[])[("linear", LatentPaths.Linear), ("spherical", LatentPaths.Spherical)])
        {
            var strip = Decode(Enumerable.Range(0, steps).Select(step => path(a, b, step / (steps - 1.0))), cancellation);
            sheet.Add([new(ends[0]), .. strip.Select(picture => new Cell(picture)), new(ends[1])]);
            var frames = Decode(Enumerable.Range(0, Frames).Select(frame => path(a, b, frame / (Frames - 1.0))), cancellation);
            AnimatedPng.Save(folder.In($"{name}.png"), [.. ThereAndBack(frames).Select(Enlarged)], FrameTime);
            progress.Report(done += steps + Frames);
        }
        sheet.Save(folder.In("interpolation.png"));
    }

    /// <summary>Pictures that an interpolation decodes.</summary>
    public static long InterpolationCount(int steps) => 2L * (steps + Frames);

    /// <summary>
    /// The image with one channel of its latent changed at a time: those with the greatest KL, a row each. A latent of one
    /// number is set from -3 to 3, the deviations of its prior; of one with places in the image all places are moved by as much.
    /// </summary>
    /// <param name="images">The image, and others behind it: the KL is the mean over all of them.</param>
    public void Traversal(ImageInputs images, int latents, int steps, IProgress<long> progress, CancellationToken cancellation)
    {
        const double reach = 3;
        ArgumentNullException.ThrowIfNull(progress);
        ThrowIfNoPrior();
        if (steps < 2) throw new UserErrorException($"--steps {steps}: must be at least 2.");
        if (latents < 1) throw new UserErrorException($"--latents {latents}: must be at least 1.");
        using var whole = NewDisposeScope();
        var kls = new double[model.LatentShape.Channels];
        var count = 0L;
        Tensor? mean = null, original = null;
        foreach (var some in images.Batches(batch, cancellation))
        {
            using var scope = NewDisposeScope();
            var tensor = model.ToTensor(some);
            var (m, v) = model.Encode(tensor);
            foreach (var (channel, kl) in LatentPaths.KlOfChannels(m, v!).Index()) kls[channel] += kl * some.Count;
            count += some.Count;
            if (mean is not null) continue;
            (mean, original) = (m.narrow(0, 0, 1).clone().MoveToOuterDisposeScope(), tensor.narrow(0, 0, 1).clone().MoveToOuterDisposeScope());
        }
        if (mean is null) throw new UserErrorException("None of the images decodes.");
        var first = model.ToPictures(original!)[0];
        var isVector = model.LatentShape.Height * model.LatentShape.Width == 1;
        var order = kls.Index().OrderByDescending(pair => pair.Item).ThenBy(pair => pair.Index).Take(latents).ToList();
        var values = Enumerable.Range(0, steps).Select(step => reach * (2.0 * step / (steps - 1) - 1)).ToList();
        var sheet = new PictureSheet
        {
            Title = isVector ? "each row sets one latent" : "each row moves one channel of the latent",
            Headings = ["image", .. values.Select(value => value.ToString("+0.##;-0.##;0", CultureInfo.InvariantCulture))],
        };
        foreach (var (row, (channel, kl)) in order.Index())
        {
            var pictures = Decode(values.Select(value => Changed(mean, channel, value, isVector)), cancellation);
            sheet.Add([new(first, FormattableString.Invariant($"z{channel} KL {kl / count:F2}")), .. pictures.Select(picture => new Cell(picture))]);
            progress.Report((row + 1L) * steps);
        }
        sheet.Save(folder.In("traversal.png"));
    }

    private static Tensor Changed(Tensor mean, int channel, double value, bool isVector)
    {
        var changed = mean.clone();
        using var part = changed.narrow(1, channel, 1);
        if (isVector) part.fill_(value);
        else part.add_(value);
        return changed;
    }

    private void ThrowIfNoPrior()
    {
        if (!model.Model.Variational) throw new UserErrorException($"{model.Name}: is not variational, so that there is nothing to draw from. Interpolation needs no draws.");
    }

    private (Tensor Images, Tensor Mean, Tensor? LogVariance) Encode(ImageInputs images, int wanted, CancellationToken cancellation)
    {
        if (images.Count != wanted) throw new UserErrorException($"{wanted} {(wanted == 1 ? "image is" : "images are")} needed here, and {images.Count:N0} are named.");
        var read = images.ReadAll(cancellation);
        if (read.Count != wanted) throw new UserErrorException(images.Broken);
        var tensor = model.ToTensor(read);
        var (mean, logVariance) = model.Encode(tensor);
        return (tensor, mean, logVariance);
    }

    /// <summary>In batches; each latent is [1, C, H, W].</summary>
    private List<Picture> Decode(IEnumerable<Tensor> latents, CancellationToken cancellation)
    {
        var pictures = new List<Picture>();
        foreach (var some in latents.Chunk(batch))
        {
            cancellation.ThrowIfCancellationRequested();
            using var scope = NewDisposeScope();
            pictures.AddRange(model.ToPictures(model.Decode(cat(some, 0))));
        }
        return pictures;
    }

    private void Save(string kind, int first, IReadOnlyList<Picture> pictures, List<Cell> shown)
    {
        foreach (var (i, picture) in pictures.Index())
        {
            File.WriteAllBytes(folder.In(string.Create(CultureInfo.InvariantCulture, $"{kind}/{first + i + 1:D6}.png")), picture.Encode());
            if (shown.Count < MostInGrid) shown.Add(new(picture));
        }
    }

    private static PictureSheet Grid(List<Cell> cells, string title)
    {
        var sheet = new PictureSheet { Title = title };
        sheet.AddAll(cells, (int)Math.Ceiling(Math.Sqrt(cells.Count)));
        return sheet;
    }

    private static IEnumerable<Picture> ThereAndBack(List<Picture> frames) => frames.Concat(frames.Skip(1).SkipLast(1).Reverse());

    // Small pictures are too small to be watched.
    private static Picture Enlarged(Picture picture)
    {
        const int least = 192;
        return PictureGrid.Draw([picture], columns: 1, Math.Max(1, least / Math.Max(picture.Width, picture.Height)));
    }
}
