using System.Collections.Concurrent;
using VaeCluster.Data.Manifests;
using VaeCluster.Data.Order;
using VaeCluster.Data.Splits;

namespace VaeCluster.Data.Broken;

/// <summary>
/// The images whose bytes were read whole and do not decode: by name, counted, replaced. What replaces one is a function
/// of (manifest, sample, seed), so that everyone takes the same.
/// </summary>
public sealed class BrokenImages
{
    private const int Quoted = 10;
    private readonly Manifest manifest;
    private readonly double limit;
    private readonly ConcurrentDictionary<long, BrokenImage> known = new();

    internal BrokenImages(Manifest manifest, double limit)
    {
        this.manifest = manifest;
        this.limit = limit;
    }

    /// <summary>A broken image was met for the first time here; called on a decoding thread.</summary>
    public event Action<BrokenImage>? Found;

    /// <summary>Those met so far, by sample.</summary>
    public IReadOnlyList<BrokenImage> All => [.. known.Values.OrderBy(image => image.Sample)];

    public int Count => known.Count;

    internal bool Contains(long sample) => known.ContainsKey(sample);

    /// <exception cref="UserErrorException">More are broken than data.broken_limit allows.</exception>
    internal void Add(long sample, string name, string reason, Split split)
    {
        var image = new BrokenImage(sample, name, reason, split);
        if (!known.TryAdd(sample, image)) return;
        Found?.Invoke(image);

        // One is allowed in the smallest set, unless none is.
        var allowed = limit == 0 ? 0 : Math.Max(1, (long)(limit * manifest.Count(split)));
        var count = known.Values.Count(broken => broken.Split == split);
        if (count <= allowed) return;
        var lines = All.Where(broken => broken.Split == split).Take(Quoted).Select(broken => $"  {broken.Name}: {broken.Reason}");
        throw new UserErrorException($"{count} images are broken, more than data.broken_limit ({limit:P1} of {manifest.Count(split):N0}) allows. "
            + $"Repair or remove them, or raise the limit. The first of them:\n{string.Join('\n', lines)}");
    }

    /// <summary>
    /// The samples that may stand in for a broken one, in the order in which they are tried: all others of its split, so
    /// that the first whole one is the same for everyone, however many in between are broken too.
    /// </summary>
    internal static IEnumerable<long> Replacements(Manifest manifest, Split split, long sample, ulong seed)
    {
        var order = SampleOrder.For(Purpose.Replacement, seed, (ulong)sample, manifest.Count(split));
        for (var i = 0L; i < order.Count; i++)
        {
            var candidate = manifest.SampleOf(split, order[i]);
            if (candidate != sample) yield return candidate;
        }
    }
}

/// <summary>An image that does not decode.</summary>
/// <param name="Sample">Its index in the manifest.</param>
/// <param name="Name">The file, as messages show it.</param>
/// <param name="Reason">What is wrong with its bytes.</param>
/// <param name="Split">For which it was read.</param>
public sealed record BrokenImage(long Sample, string Name, string Reason, Split Split);
