using System.ComponentModel.DataAnnotations;
using VaeCluster.Models.Presets;

namespace VaeCluster.Models;

/// <summary>What each architecture asks of the options, as a sentence for the user where they don't fit.</summary>
internal static class ModelRules
{
    private const int DigitsSize = 28;

    public static IEnumerable<ValidationResult> Check(ModelOptions options, Architecture architecture)
    {
        var widths = Positive(options.Widths, nameof(options.Widths)).ToList();
        if (widths.Count > 0) return widths;
        return architecture switch
        {
            Architecture.StableDiffusion => Family(options, 1),
            Architecture.SmallStableDiffusion => Family(options, 2),
            Architecture.StridedConvolutions => NoSkips(options).Concat(Strided(options)),
            _ => NoSkips(options).Concat(Digits(options)),
        };
    }

    private static IEnumerable<ValidationResult> Family(ModelOptions options, int fewestLevels)
    {
        if (options.Widths.Count < fewestLevels)
            yield return Wrong($"must have at least {fewestLevels} widths", nameof(options.Widths));
        foreach (var width in options.Widths.Where(width => width % options.Groups != 0))
            yield return Wrong($"each width must be a multiple of groups, {options.Groups}; {width} is not", nameof(options.Widths));
        if (options.Widths[^1] % options.Heads != 0)
            yield return Wrong($"must divide the last width, {options.Widths[^1]}", nameof(options.Heads));
        foreach (var wrong in Halved(options, options.Widths.Count - 1)) yield return wrong;
        if (options.SkipScale && fewestLevels == 1)
            yield return Wrong("is an option of sd-small alone; leave it out", nameof(options.SkipScale));
    }

    private static IEnumerable<ValidationResult> Strided(ModelOptions options)
    {
        foreach (var wrong in Halved(options, options.Widths.Count)) yield return wrong;
        foreach (var wrong in Positive(options.DecoderWidths, nameof(options.DecoderWidths))) yield return wrong;
        if (options.DecoderWidths.Count != options.Widths.Count)
            yield return Wrong($"must be as many as widths, {options.Widths.Count}: each doubles what one of those halved", nameof(options.DecoderWidths));
    }

    private static IEnumerable<ValidationResult> Digits(ModelOptions options)
    {
        if (options.ImageSize != DigitsSize)
            yield return Wrong($"must be {DigitsSize} for mnist, whose layers fit no other size; take conv64 or tiny for others", nameof(options.ImageSize));
        if (options.Widths.Count != 2)
            yield return Wrong("must be 2 widths for mnist", nameof(options.Widths));
        foreach (var wrong in Positive(options.DecoderWidths, nameof(options.DecoderWidths))) yield return wrong;
        if (options.DecoderWidths.Count != 3)
            yield return Wrong("must be 3 widths for mnist", nameof(options.DecoderWidths));
    }

    private static IEnumerable<ValidationResult> NoSkips(ModelOptions options)
    {
        if (options.SkipScale)
            yield return Wrong("is an option of sd-small alone; leave it out", nameof(options.SkipScale));
    }

    private static IEnumerable<ValidationResult> Halved(ModelOptions options, int times)
    {
        var divisor = 1L << Math.Min(times, 62);
        if (options.ImageSize % divisor != 0)
            yield return Wrong($"must be a multiple of {divisor}: {options.Preset} with {options.Widths.Count} widths halves it {times} times", nameof(options.ImageSize));
    }

    private static IEnumerable<ValidationResult> Positive(IReadOnlyList<int> widths, string key)
    {
        if (widths.Count == 0) yield return Wrong("must have at least one width", key);
        if (widths.Any(width => width < 1)) yield return Wrong("each width must be at least 1", key);
    }

    private static ValidationResult Wrong(string rule, string key) => new(rule, [key]);
}
