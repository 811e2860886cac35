namespace Prometheus;

/// <summary>What the formats demand of free text.</summary>
internal static class Escaping
{
    /// <summary>Label values in both formats, and OpenMetrics' help.</summary>
    public static string Quoted(string value) => Help(value).Replace("\"", "\\\"", StringComparison.Ordinal);

    /// <summary>Help in the text format, where quotes stay as they are.</summary>
    public static string Help(string value) =>
        value.Replace("\\", @"\\", StringComparison.Ordinal).Replace("\n", @"\n", StringComparison.Ordinal);
}
