using static TorchSharp.torch;

namespace VaeCluster.Models.Tests.Reference;

/// <summary>The parameters in zero_gradients.txt.</summary>
internal static class ZeroGradients
{
    /// <summary>By name, with the range within the parameter.</summary>
    public static IEnumerable<(string Name, long Start, long? Count)> Of(string preset)
    {
        foreach (var line in File.ReadLines(Path.Combine(AppContext.BaseDirectory, "Reference", "zero_gradients.txt")))
        {
            var words = line.Split(' ');
            if (words[0] != preset) continue;
            var start = words.Length > 2 ? long.Parse(words[2]) : 0;
            yield return (words[1], start, words.Length > 2 ? long.Parse(words[3]) - start : null);
        }
    }

    /// <summary>The part of the gradient that is noise.</summary>
    public static Tensor Part(Tensor gradient, long start, long? count) => gradient.narrow(0, start, count ?? gradient.shape[0]);
}
