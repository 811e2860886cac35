namespace VaeCluster.Checkpoints;

/// <summary>A file that breaks the format: which tensor of it, and how.</summary>
public sealed class SafetensorsException : Exception
{
    public SafetensorsException(string message) : base(message) { }

    public SafetensorsException(string message, Exception cause) : base(message, cause) { }

    /// <summary>A name out of a foreign file, for a message.</summary>
    internal static string Shown(string name)
    {
        var clean = string.Concat(name.Take(200).Select(c => char.IsControl(c) ? '?' : c));
        return name.Length > 200 ? $"'{clean}...'" : $"'{clean}'";
    }
}
