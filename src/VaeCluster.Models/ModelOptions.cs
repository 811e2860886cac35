using System.ComponentModel.DataAnnotations;

namespace VaeCluster.Models;

/// <summary>
/// Section <c>model</c>: a preset and what differs from it. A new object holds the values of <c>mnist</c>;
/// <see cref="Of"/> those of another preset.
/// </summary>
public sealed class ModelOptions : IValidatableObject
{
    /// <summary>Names the architecture, and every default of this and the other sections.</summary>
    [Required]
    public string Preset { get; set; } = "mnist";

    /// <summary>Height and width of the images in pixels.</summary>
    [Range(1, 1 << 14)]
    public int ImageSize { get; set; } = 28;

    /// <summary>Channels of the images: 1 grey, 3 colour.</summary>
    [Range(1, 16)]
    public int Channels { get; set; } = 1;

    /// <summary>Channels of the latent: its whole length where it has no place in the image.</summary>
    [Range(1, 1 << 14)]
    public int Latent { get; set; } = 32;

    /// <summary>Channels of the encoder's levels, from the image on.</summary>
    public IReadOnlyList<int> Widths { get; set; } = [16, 32];

    /// <summary>
    /// Channels of the decoder's transposed convolutions, from the latent on, for mnist and conv64; the others go back
    /// through <see cref="Widths"/>.
    /// </summary>
    public IReadOnlyList<int> DecoderWidths { get; set; } = [256, 128, 64];

    /// <summary>Residual blocks of a level, for the presets that have any.</summary>
    [Range(1, 64)]
    public int LayersPerBlock { get; set; } = 1;

    /// <summary>Groups of the group normalisations.</summary>
    [Range(1, 1 << 14)]
    public int Groups { get; set; } = 1;

    /// <summary>Heads of the attention.</summary>
    [Range(1, 1 << 10)]
    public int Heads { get; set; } = 1;

    /// <summary>Added to the variance by every normalisation.</summary>
    [Range(1e-12, 1)]
    public double Eps { get; set; } = 1e-5;

    /// <summary>Scale each skip by a learnable number, as sd-small was published.</summary>
    public bool SkipScale { get; set; }

    /// <summary>False: an ordinary autoencoder, without variance, sampling and KL.</summary>
    public bool Variational { get; set; } = true;

    internal SampleShape InputShape => new(Channels, ImageSize, ImageSize);

    /// <summary>The latent of a model that halves the image between its levels.</summary>
    internal SampleShape ConvolutionalLatent => new(Latent, ImageSize >> (Widths.Count - 1), ImageSize >> (Widths.Count - 1));

    /// <summary>The options of a preset as they are before the user changes any.</summary>
    /// <exception cref="UserErrorException">There is no such preset.</exception>
    public static ModelOptions Of(string preset) => Presets.Preset.Find(preset).Model();

    public IEnumerable<ValidationResult> Validate(ValidationContext validationContext)
    {
        if (Presets.Preset.TryFind(Preset) is not { } preset)
            return [new($"unknown preset; known: {string.Join(", ", Presets.Preset.All.Select(known => known.Name))}", [nameof(Preset)])];
        return ModelRules.Check(this, preset.Architecture);
    }
}
