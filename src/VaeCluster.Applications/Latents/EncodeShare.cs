using System.Globalization;

namespace VaeCluster.Applications.Latents;

/// <summary>Every N-th part, from the I-th on: what one of N processes computes of an encoding.</summary>
/// <param name="Index">I, from 1.</param>
/// <param name="Of">N.</param>
public sealed record EncodeShare(int Index, int Of)
{
    /// <summary>Null for null: all parts.</summary>
    /// <exception cref="UserErrorException">It is not I/N.</exception>
    public static EncodeShare? Parse(string? text)
    {
        if (text is null) return null;
        var numbers = text.Split('/');
        if (numbers.Length == 2 && int.TryParse(numbers[0], NumberStyles.None, CultureInfo.InvariantCulture, out var index)
            && int.TryParse(numbers[1], NumberStyles.None, CultureInfo.InvariantCulture, out var of) && index >= 1 && index <= of)
            return new(index, of);
        throw new UserErrorException($"--share {text}: give I/N, such as 2/8, with I from 1 to N.");
    }

    public bool Has(int part) => part % Of == Index - 1;
}
