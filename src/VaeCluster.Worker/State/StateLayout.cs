namespace VaeCluster.Worker.State;

/// <summary>
/// Where each part of the state (parameters, optimizer's buffers, EMA, model's buffers, counters) lies in a snapshot. It
/// follows from model and config, so that all members have the same one.
/// </summary>
public sealed class StateLayout
{
    /// <summary>Parts begin on cache lines.</summary>
    private const long Alignment = 64;

    private readonly Dictionary<string, StatePart> byName = [];

    /// <param name="parts">Names and lengths in bytes, in the order in which they lie.</param>
    public StateLayout(IEnumerable<(string Name, long Bytes)> parts)
    {
        ArgumentNullException.ThrowIfNull(parts);
        var list = new List<StatePart>();
        foreach (var (name, bytes) in parts)
        {
            ArgumentException.ThrowIfNullOrEmpty(name);
            ArgumentOutOfRangeException.ThrowIfNegative(bytes);
            var part = new StatePart(name, TotalBytes, bytes);
            if (!byName.TryAdd(name, part)) throw new ArgumentException($"Two parts are called {name}.", nameof(parts));
            list.Add(part);
            TotalBytes = checked((part.Offset + bytes + Alignment - 1) / Alignment * Alignment);
        }
        if (TotalBytes == 0) throw new ArgumentException("There is no state.", nameof(parts));
        Parts = list;
    }

    public IReadOnlyList<StatePart> Parts { get; }

    public long TotalBytes { get; }

    public StatePart this[string name] =>
        byName.TryGetValue(name, out var part) ? part : throw new ArgumentException($"There is no part {name} in the state.", nameof(name));
}

/// <summary>A part of the state. Both numbers in bytes.</summary>
public sealed record StatePart(string Name, long Offset, long Bytes);
