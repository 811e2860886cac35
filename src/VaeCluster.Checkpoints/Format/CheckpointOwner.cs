using System.Globalization;

namespace VaeCluster.Checkpoints;

/// <summary>Who writes: a worker, under the generation (term, number) of the plan that made it the writer.</summary>
public sealed record CheckpointOwner(string WorkerId, ulong Term, ulong Number)
{
    /// <summary>By generation alone.</summary>
    public int CompareGeneration(CheckpointOwner other) => (Term, Number).CompareTo((other.Term, other.Number));

    public override string ToString() => $"worker {WorkerId} of generation {Term}.{Number}";

    /// <summary>For names of files: TERM-NUMBER.WORKER, the worker without what a name can't hold.</summary>
    internal string Tag => $"{Term}-{Number}.{Plain(WorkerId)}";

    /// <summary>Reads a <see cref="Tag"/>; the worker's id comes out as it stands there.</summary>
    internal static CheckpointOwner? FromTag(string tag)
    {
        var parts = tag.Split('.', 2);
        var numbers = parts[0].Split('-');
        if (parts.Length != 2 || numbers.Length != 2) return null;
        return ulong.TryParse(numbers[0], NumberStyles.None, CultureInfo.InvariantCulture, out var term)
            && ulong.TryParse(numbers[1], NumberStyles.None, CultureInfo.InvariantCulture, out var number)
            ? new CheckpointOwner(parts[1], term, number)
            : null;
    }

    /// <summary>
    /// What this owner may clear away of another's unfinished work: its own, and that of a lower generation, whose writer
    /// is refused anyway.
    /// </summary>
    internal bool MayClear(CheckpointOwner other)
    {
        var order = other.CompareGeneration(this);
        return order < 0 || (order == 0 && other.WorkerId == Plain(WorkerId));
    }

    private static string Plain(string worker) =>
        string.Concat(worker.Take(100).Select(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_' ? c : '_'));
}
