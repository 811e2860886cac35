using System.Globalization;

namespace VaeCluster.Config.Binding;

/// <summary>Scalars as text, both ways: exact, whatever the culture.</summary>
public static class ScalarText
{
    private static readonly (string Unit, TimeSpan Length)[] Units =
    [
        ("ms", TimeSpan.FromMilliseconds(1)), ("s", TimeSpan.FromSeconds(1)), ("m", TimeSpan.FromMinutes(1)),
        ("h", TimeSpan.FromHours(1)), ("d", TimeSpan.FromDays(1)),
    ];

    private const NumberStyles Real = NumberStyles.AllowLeadingSign | NumberStyles.AllowDecimalPoint | NumberStyles.AllowExponent;

    public static bool Takes(Type type) => type.IsEnum || type == typeof(string) || type == typeof(bool)
        || type == typeof(int) || type == typeof(long) || type == typeof(ulong) || type == typeof(float) || type == typeof(double)
        || type == typeof(TimeSpan);

    /// <summary>The typed value, or null and the rule that the text breaks.</summary>
    public static object? Parse(Type type, string text, out string rule)
    {
        rule = "";
        if (type == typeof(string)) return text;
        if (type.IsEnum) return ParseEnum(type, text, out rule);
        if (type == typeof(bool)) return ParseBool(text, out rule);
        if (type == typeof(TimeSpan)) return ParseTime(text, out rule);
        if (type == typeof(int)) return ParseWhole(text, int.MinValue, int.MaxValue, out rule) is { } whole ? (int)whole : null;
        if (type == typeof(long)) return ParseWhole(text, long.MinValue, long.MaxValue, out rule) is { } whole ? (long)whole : null;
        if (type == typeof(ulong)) return ParseWhole(text, ulong.MinValue, ulong.MaxValue, out rule) is { } whole ? (ulong)whole : null;
        return ParseReal(type, text, out rule);
    }

    /// <summary>Text that <see cref="Parse"/> turns into exactly this value again.</summary>
    public static string Format(object? value) => value switch
    {
        null => "null",
        bool truth => truth ? "true" : "false",
        double number => Exact(number.ToString("R", CultureInfo.InvariantCulture)),
        float number => Exact(number.ToString("R", CultureInfo.InvariantCulture)),
        TimeSpan time => FormatTime(time),
        Enum name => OptionsShape.KeyOf(name.ToString()),
        string text => text,
        IFormattable other => other.ToString(null, CultureInfo.InvariantCulture),
        _ => throw new InvalidOperationException($"{value.GetType()} is not a scalar."),
    };

    // YAML 1.1 readers take 1E-05 for a string, and 1.0e-05 for a number.
    private static string Exact(string number)
    {
        var exponent = number.IndexOf('E');
        if (exponent < 0) return number;
        var mantissa = number[..exponent];
        return (mantissa.Contains('.') ? mantissa : mantissa + ".0") + "e" + number[(exponent + 1)..];
    }

    private static object? ParseEnum(Type type, string text, out string rule)
    {
        rule = "";
        foreach (var value in Enum.GetValues(type))
        {
            if (OptionsShape.KeyOf(value.ToString()!) == text) return value;
        }
        var names = Enum.GetNames(type).Select(OptionsShape.KeyOf).ToList();
        rule = $"must be one of {string.Join(", ", names)}";
        if (NearestName.Of(text, names) is { } nearest) rule += $"; did you mean {nearest}?";
        return null;
    }

    private static object? ParseBool(string text, out string rule)
    {
        rule = "must be true or false";
        return text switch { "true" or "True" or "TRUE" => true, "false" or "False" or "FALSE" => false, _ => null };
    }

    private static Int128? ParseWhole(string text, Int128 least, Int128 most, out string rule)
    {
        rule = "must be a whole number";
        if (Int128.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var whole)
            && whole >= least && whole <= most)
            return whole;
        var digits = text.TrimStart('-', '+');
        if (digits.Length > 0 && digits.All(char.IsAsciiDigit)) rule += $" between {least} and {most}";
        return null;
    }

    private static object? ParseReal(Type type, string text, out string rule)
    {
        rule = "must be a number";
        if (text.TrimStart('-', '+') is ".nan" or ".NaN" or ".NAN" or "nan" or "NaN" or ".inf" or ".Inf" or ".INF" or "inf")
            rule = "must be a finite number";
        else if (double.TryParse(text, Real, CultureInfo.InvariantCulture, out var number))
        {
            // Straight from the text: by way of a double, a float would be rounded twice.
            object value = type == typeof(float) ? (object)float.Parse(text, Real, CultureInfo.InvariantCulture) : number;
            if (value is float narrow ? float.IsFinite(narrow) : double.IsFinite(number)) return value;
            rule = "must be a finite number";
        }
        return null;
    }

    private static TimeSpan? ParseTime(string text, out string rule)
    {
        rule = "must be a time with its unit: 500ms, 30s, 5m, 2h or 1d";
        foreach (var (unit, length) in Units)
        {
            if (!text.EndsWith(unit, StringComparison.Ordinal)) continue;
            if (!decimal.TryParse(text.AsSpan(0, text.Length - unit.Length), NumberStyles.AllowDecimalPoint | NumberStyles.AllowLeadingSign,
                    CultureInfo.InvariantCulture, out var count))
                continue;
            if (Math.Abs(count) > TimeSpan.MaxValue.Ticks / length.Ticks - 1) continue;
            return TimeSpan.FromTicks((long)(count * length.Ticks));
        }
        return null;
    }

    private static string FormatTime(TimeSpan time)
    {
        var (unit, length) = Units.LastOrDefault(u => time.Ticks != 0 && time.Ticks % u.Length.Ticks == 0, Units[0]);
        return ((decimal)time.Ticks / length.Ticks).ToString(CultureInfo.InvariantCulture) + unit;
    }
}
