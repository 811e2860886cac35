using System.IO.Compression;

namespace VaeCluster.Applications.Scores;

/// <summary>
/// How many bits a lossless compressor needs for an image: what Serra et al. 2020 ("Input complexity and out-of-distribution
/// detection with likelihood-based generative models") take from the negative log likelihood in bits. Without that a flat foreign
/// image is likelier than the images that the model learnt.
/// </summary>
public static class ImageComplexity
{
    /// <summary>Of grey levels, for likelihoods of them.</summary>
    /// <param name="pixels">[channels, height, width] bytes.</param>
    /// <param name="width">Of a row.</param>
    /// <returns>Bits of the shorter of two streams: of the pixels, and of their differences from the row above.</returns>
    public static double Bits(ReadOnlySpan<byte> pixels, int width)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(width);
        var differences = pixels.ToArray();
        for (var i = differences.Length - 1; i >= width; i--) differences[i] -= differences[i - width];
        return 8.0 * Math.Min(Compressed(pixels), Compressed(differences));
    }

    /// <summary>Of black and white, for likelihoods that take a pixel for a Bernoulli variable: grey levels are no part of these.</summary>
    /// <inheritdoc cref="Bits"/>
    public static double BinaryBits(ReadOnlySpan<byte> pixels, int width)
    {
        var levels = new byte[pixels.Length];
        for (var i = 0; i < levels.Length; i++) levels[i] = (byte)(pixels[i] >> 7);
        var packed = new byte[(levels.Length + 7) / 8];
        for (var i = 0; i < levels.Length; i++) packed[i / 8] |= (byte)(levels[i] << (i % 8));
        return Math.Min(Bits(levels, width), 8.0 * Compressed(packed));
    }

    private static long Compressed(ReadOnlySpan<byte> bytes)
    {
        using var stream = new MemoryStream();
        using (var deflate = new DeflateStream(stream, CompressionLevel.SmallestSize, leaveOpen: true)) deflate.Write(bytes);
        return stream.Length;
    }
}
