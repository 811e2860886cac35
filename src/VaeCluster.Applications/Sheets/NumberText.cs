using System.Globalization;

namespace VaeCluster.Applications.Sheets;

/// <summary>Numbers in tables, whatever the culture.</summary>
public static class NumberText
{
    /// <summary>Six digits; inf, and nothing for what is not a number.</summary>
    public static string Of(double value) => double.IsNaN(value) ? "" : double.IsInfinity(value) ? (value > 0 ? "inf" : "-inf") : value.ToString("G6", CultureInfo.InvariantCulture);

    /// <summary>Null for what JSON has no number for.</summary>
    public static double? Finite(double value) => double.IsFinite(value) ? value : null;
}
