using System.Globalization;

namespace VaeCluster.Checkpoints;

/// <summary>
/// The folder of a checkpoint: step-000000000060, and step-000000000060-2 where that name is taken by a broken or outdated
/// one. A name is never used twice, so nothing that is there is ever overwritten.
/// </summary>
public static class CheckpointName
{
    private const string Start = "step-";
    private const string Temporary = ".tmp.";

    public static string Of(long step, int copy = 1) => copy == 1 ? $"{Start}{step:D12}" : $"{Start}{step:D12}-{copy}";

    /// <summary>The step and the copy, or null for a name of something else.</summary>
    public static (long Step, int Copy)? Parse(string name)
    {
        if (!name.StartsWith(Start, StringComparison.Ordinal)) return null;
        var parts = name[Start.Length..].Split('-');
        var copy = 1;
        if (!long.TryParse(parts[0], NumberStyles.None, CultureInfo.InvariantCulture, out var step) || parts.Length > 2) return null;
        if (parts.Length == 2 && !int.TryParse(parts[1], NumberStyles.None, CultureInfo.InvariantCulture, out copy)) return null;
        return Of(step, copy) == name ? (step, copy) : null;
    }

    internal static string TemporaryOf(string name, CheckpointOwner owner) => name + Temporary + owner.Tag;

    internal static CheckpointOwner? OwnerOfTemporary(string name)
    {
        var at = name.IndexOf(Temporary, StringComparison.Ordinal);
        return at < 0 ? null : CheckpointOwner.FromTag(name[(at + Temporary.Length)..]);
    }
}
