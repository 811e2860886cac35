using VaeCluster.Applications.Likelihoods;
using VaeCluster.Data.Inputs;
using VaeCluster.Models;
using VaeCluster.Models.Objectives;
using static TorchSharp.torch;

namespace VaeCluster.Applications.Scores;

/// <summary>An image with its scores.</summary>
public sealed record ScoredImage(ImageOrigin Image, ImageScores Scores);

/// <summary>Scores images by how strange they are to a model.</summary>
/// <param name="draws">Of the likelihoods, for each image.</param>
/// <param name="seed">Of the draws.</param>
public sealed class ImageScorer(AppliedModel model, int draws, long seed) : IDisposable
{
    private readonly ImageLikelihoods? likelihoods = Likelihood.ReasonForNone(model) is null ? new(model, draws, seed) : null;

    /// <summary>In the images' order.</summary>
    public IEnumerable<ScoredImage> Score(ImageInputs images, int batch, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(images);
        foreach (var read in images.Batches(batch, cancellation))
        {
            cancellation.ThrowIfCancellationRequested();
            foreach (var scored in Score(read)) yield return scored;
        }
    }

    public void Dispose() => likelihoods?.Dispose();

    private List<ScoredImage> Score(ImageBatch read)
    {
        using var scope = NewDisposeScope();
        using var guard = no_grad();
        var pixels = model.ToTensor(read);
        var (mean, logVariance) = model.Encode(pixels);
        var originals = model.ToUnit(pixels);
        var recon = (model.ToUnit(model.Decode(mean)) - originals).square().flatten(1).mean([1L]).to(ScalarType.Float64).cpu().data<double>().ToArray();
        var bounds = likelihoods?.Of(read.Images, pixels, mean, logVariance!);
        // Of the bytes that the picture has, plane by plane.
        var bytes = (originals * 255).round().to(ScalarType.Byte).cpu().contiguous();
        var (size, width) = ((int)model.InputShape.Elements, (int)model.InputShape.Width);
        // A level is 1/255 of the way from black to white.
        var perPixel = Math.Log2(255 / (model.Model.PixelRange == PixelRange.ZeroToOne ? 1.0 : 2.0));
        var isBinary = model.Objective.Recon == Recon.Bce;
        var levelBits = isBinary ? 0 : size * perPixel;
        var scored = new List<ScoredImage>();
        foreach (var (row, image) in read.Images.Index())
        {
            var levels = bytes.bytes.Slice(row * size, size);
            var complexity = isBinary ? ImageComplexity.BinaryBits(levels, width) : ImageComplexity.Bits(levels, width);
            scored.Add(new(image, new(recon[row], bounds?[row].NegativeElbo, bounds?[row].ImportanceWeighted, complexity, levelBits)));
        }
        return scored;
    }
}
