using VaeCluster.Data.Images;
using VaeCluster.Data.Inputs;
using static TorchSharp.torch;

namespace VaeCluster.Applications.Maps;

/// <summary>What the latents of a set of images look like: where each image lies, what each number says, how numbers go together.</summary>
/// <param name="Statistics">Of each number.</param>
/// <param name="Components">The two principal ones of the means.</param>
/// <param name="Images">In the order of the places.</param>
/// <param name="Shown">The numbers of the correlation: those that say most.</param>
/// <param name="Correlation">Of the means of these numbers.</param>
/// <param name="Plane">
/// Decoded pictures [side, side], rows from the top: of a latent of two numbers the manifold, at the quantiles of the prior (Kingma
/// and Welling 2014, figure 4), else the plane of the two components, two standard deviations to each side.
/// </param>
public sealed record LatentMap(
    LatentStatistics Statistics, PrincipalComponents Components, IReadOnlyList<ImageOrigin> Images,
    IReadOnlyList<int> Shown, double[,] Correlation, IReadOnlyList<Picture> Plane)
{
    private const long MostValues = 1 << 27;
    private const int MostShown = 48;

    /// <summary>Pictures along a side of the plane.</summary>
    public int PlaneSide => (int)Math.Sqrt(Plane.Count);

    /// <summary>The numbers of a latent are a plane themselves.</summary>
    public bool HasManifold => Statistics.Numbers == 2;

    /// <summary>Encodes the images; their means stay in memory.</summary>
    /// <exception cref="UserErrorException">They are too many for that, or too few for a map.</exception>
    public static LatentMap Of(AppliedModel model, ImageInputs images, int batch, int planeSide, IProgress<long> progress, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(images);
        var numbers = (int)model.LatentShape.Elements;
        if (images.Count * numbers > MostValues)
            throw new UserErrorException($"{images.Count:N0} latents of {numbers:N0} numbers are too many for a map, which holds them in memory: give --limit {MostValues / numbers}.");
        using var scope = NewDisposeScope();
        using var guard = no_grad();
        var statistics = new LatentStatistics(numbers);
        var (origins, means) = (new List<ImageOrigin>(), new List<Tensor>());
        foreach (var read in images.Batches(batch, cancellation))
        {
            using var inner = NewDisposeScope();
            cancellation.ThrowIfCancellationRequested();
            var (mean, logVariance) = model.Encode(model.ToTensor(read));
            var flat = mean.flatten(1).cpu().contiguous();
            statistics.Add(flat.data<float>().ToArray(), logVariance is null ? [] : logVariance.flatten(1).cpu().contiguous().data<float>().ToArray());
            means.Add(flat.MoveToOuterDisposeScope());
            origins.AddRange(read.Images);
            progress.Report(origins.Count);
        }
        if (origins.Count < 3) throw new UserErrorException($"{origins.Count} images make no map: give at least 3.");
        var points = cat([.. means]);
        var components = PrincipalComponents.Of(points, 2);
        var shown = statistics.ByWeight.Take(MostShown).ToList();
        var correlation = PrincipalComponents.Correlation(points.index_select(1, tensor(shown.Select(number => (long)number).ToArray())));
        return new(statistics, components, origins, shown, correlation, Decode(model, components, numbers, planeSide, batch));
    }

    private static List<Picture> Decode(AppliedModel model, PrincipalComponents components, int numbers, int side, int batch)
    {
        var latents = new float[side * side * numbers];
        var deviations = Enumerable.Range(0, 2).Select(axis => Deviation(components, axis)).ToArray();
        for (var row = 0; row < side; row++)
        {
            for (var column = 0; column < side; column++)
            {
                var place = latents.AsSpan((row * side + column) * numbers, numbers);
                // From the upper left, with the second axis upwards.
                var (right, up) = ((column + 0.5) / side, 1 - (row + 0.5) / side);
                if (numbers == 2) (place[0], place[1]) = ((float)NormalQuantile.At(right), (float)NormalQuantile.At(up));
                else
                {
                    var (along, beside) = ((4 * right - 2) * deviations[0], (4 * up - 2) * deviations[1]);
                    for (var i = 0; i < numbers; i++) place[i] = (float)(components.Mean[i] + along * components.Axes[0][i] + beside * components.Axes[1][i]);
                }
            }
        }
        using var scope = NewDisposeScope();
        using var guard = no_grad();
        var all = tensor(latents).view(model.LatentShape.Batch(side * side));
        var pictures = new List<Picture>();
        for (var first = 0; first < side * side; first += batch)
        {
            using var inner = NewDisposeScope();
            pictures.AddRange(model.ToPictures(model.Decode(all.narrow(0, first, Math.Min(batch, side * side - first)))));
        }
        return pictures;
    }

    private static double Deviation(PrincipalComponents components, int axis)
    {
        var (sum, count) = (0.0, components.Places.GetLength(0));
        for (var point = 0; point < count; point++) sum += components.Places[point, axis] * components.Places[point, axis];
        return Math.Sqrt(sum / count);
    }
}
