using System.ComponentModel.DataAnnotations;
using System.Globalization;

namespace VaeCluster.Config.Binding;

/// <summary>What an attribute demands, in the words of a configuration rather than of a form's field.</summary>
internal static class ValidationRule
{
    public static string Of(ValidationAttribute attribute, ValidationResult result) => attribute switch
    {
        { ErrorMessage: { Length: > 0 } } => result.ErrorMessage ?? attribute.ErrorMessage,
        RangeAttribute range => Range(range),
        RequiredAttribute => "must be given",
        MinLengthAttribute least => $"must have at least {least.Length}",
        MaxLengthAttribute most => $"must have at most {most.Length}",
        LengthAttribute length => $"must have {length.MinimumLength} to {length.MaximumLength}",
        AllowedValuesAttribute allowed => $"must be one of {string.Join(", ", allowed.Values)}",
        _ => result.ErrorMessage ?? "is not valid",
    };

    private static string Range(RangeAttribute range)
    {
        var least = range.MinimumIsExclusive ? "greater than" : "at least";
        var most = range.MaximumIsExclusive ? "less than" : "at most";
        // The least positive number stands for "above zero".
        if (range.Minimum is double.Epsilon)
            return IsEndless(range.Maximum) ? "must be greater than 0" : $"must be greater than 0 and {most} {Text(range.Maximum)}";
        if (IsEndless(range.Maximum)) return $"must be {least} {Text(range.Minimum)}";
        if (IsEndless(range.Minimum)) return $"must be {most} {Text(range.Maximum)}";
        return range.MinimumIsExclusive || range.MaximumIsExclusive
            ? $"must be {least} {Text(range.Minimum)} and {most} {Text(range.Maximum)}"
            : $"must be between {Text(range.Minimum)} and {Text(range.Maximum)}";
    }

    private static bool IsEndless(object limit) => limit switch
    {
        int whole => whole is int.MaxValue or int.MinValue,
        long whole => whole is long.MaxValue or long.MinValue,
        double number => Math.Abs(number) >= long.MaxValue,
        string text => double.TryParse(text, CultureInfo.InvariantCulture, out var number) && Math.Abs(number) >= long.MaxValue,
        _ => false,
    };

    private static string Text(object limit) => Convert.ToString(limit, CultureInfo.InvariantCulture) ?? "";
}
