using System.ComponentModel.DataAnnotations;
using VaeCluster.Data.Cache;
using VaeCluster.Data.Images;
using VaeCluster.Data.Reading;
using VaeCluster.Data.Sources;
using VaeCluster.Data.Splits;

namespace VaeCluster.Data;

/// <summary>What to train on and how an image becomes the model's input: the section <c>data:</c> of a config.</summary>
public sealed class DataOptions : IValidatableObject
{
    /// <summary>
    /// shapes:[FOLDER][?count=2000&amp;size=32&amp;seed=1], folder:PATH, idx:PATH, celeba:PATH or tar:PATH.
    /// </summary>
    [Required]
    public string Source { get; set; } = "shapes:";

    /// <summary>Pixels per side of the model's input; null takes the model's own.</summary>
    [Range(4, 8192)]
    public int? Size { get; set; }

    public SplitOptions Split { get; set; } = new();

    public ResizeMode Resize { get; set; } = ResizeMode.ShortSide;

    public CropMode Crop { get; set; } = CropMode.Center;

    /// <summary>Side in pixels of a square cut out of the image before it is resized (148 for CelebA); null cuts afterwards.</summary>
    [Range(4, 65536)]
    public int? CropSize { get; set; }

    /// <summary>Mirrors half of the training images, drawn from (seed, epoch, sample).</summary>
    public bool Flip { get; set; }

    /// <summary>A new order in each epoch; false trains in the manifest's order.</summary>
    public bool Shuffle { get; set; } = true;

    /// <summary>Threads that read and decode; 0 takes half of the cores.</summary>
    [Range(0, 256)]
    public int Threads { get; set; }

    /// <summary>Memory for batches that are ready before the step needs them.</summary>
    [Range(1, 65536)]
    public int PrefetchMegabytes { get; set; } = 256;

    /// <summary>The share of a split's images that may be broken, and replaced, before the run stops.</summary>
    [Range(0.0, 1.0)]
    public double BrokenLimit { get; set; } = 0.01;

    /// <summary>Images with more pixels than this are broken: nothing decodes them.</summary>
    [Range(1L, 1L << 30)]
    public long MaxPixels { get; set; } = 100_000_000;

    public CacheOptions Cache { get; set; } = new();

    public ReadOptions Read { get; set; } = new();

    public IEnumerable<ValidationResult> Validate(ValidationContext validationContext)
    {
        if (!SourceSpec.TryParse(Source, out _, out var mistake))
            yield return new ValidationResult(mistake, [nameof(Source)]);
        if (Crop == CropMode.None && Resize == ResizeMode.ShortSide && CropSize is null)
            yield return new ValidationResult(
                "crop: none keeps the whole image, which only resize: stretch makes square. Set resize to stretch or crop to center.",
                [nameof(Crop)]);
        if (Crop == CropMode.None && CropSize is not null)
            yield return new ValidationResult("crop_size cuts a square out, so crop must be center or random.", [nameof(CropSize)]);
    }
}
