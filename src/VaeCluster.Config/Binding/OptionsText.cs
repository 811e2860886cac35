using System.Collections;
using System.Text;
using System.Text.RegularExpressions;

namespace VaeCluster.Config.Binding;

/// <summary>Options as text: YAML that binds to the same values again, and a flat list for comparing and hashing.</summary>
public static partial class OptionsText
{
    /// <summary>Every key with its value, defaults written out.</summary>
    public static string ToYaml(object options)
    {
        var text = new StringBuilder();
        WriteSection(text, options, "", "");
        return text.ToString();
    }

    /// <summary>(path, value) for each key, in the order of the classes.</summary>
    public static IEnumerable<(string Path, string Value)> Flatten(object options, string prefix = "")
    {
        foreach (var property in OptionsShape.Of(options.GetType()).Properties)
        {
            var value = property.Get(options);
            var path = prefix + property.Key;
            if (property.Kind == OptionKind.Section && value is not null)
            {
                foreach (var below in Flatten(value, path + ".")) yield return below;
            }
            else if (property.Kind == OptionKind.List && value is IEnumerable items && !ScalarText.Takes(property.Type))
            {
                var index = 0;
                foreach (var item in items)
                {
                    foreach (var below in Flatten(item, $"{path}[{index}].")) yield return below;
                    index++;
                }
            }
            else
            {
                yield return (path, Inline(value));
            }
        }
    }

    // `first` goes in front of the first line: the dash of a list's item, already indented.
    private static void WriteSection(StringBuilder text, object options, string indent, string first)
    {
        foreach (var property in OptionsShape.Of(options.GetType()).Properties)
        {
            text.Append(first.Length > 0 ? first : indent).Append(property.Key).Append(':');
            first = "";
            var value = property.Get(options);
            if (value is null || property.Kind == OptionKind.Scalar || IsInline(property, value))
                text.Append(' ').Append(Inline(value)).Append('\n');
            else if (property.Kind == OptionKind.Section)
                WriteSection(text.Append('\n'), value, indent + "  ", "");
            else
                WriteItems(text.Append('\n'), (IEnumerable)value, indent + "  ");
        }
    }

    private static bool IsInline(OptionProperty property, object value) => property.Kind == OptionKind.List
        && (ScalarText.Takes(property.Type) || !((IEnumerable)value).Cast<object>().Any());

    private static void WriteItems(StringBuilder text, IEnumerable items, string indent)
    {
        foreach (var item in items) WriteSection(text, item, indent + "  ", indent + "- ");
    }

    private static string Inline(object? value) => value switch
    {
        string text => Quote(text),
        IEnumerable items => $"[{string.Join(", ", items.Cast<object?>().Select(Inline))}]",
        _ => ScalarText.Format(value),
    };

    private static string Quote(string text)
    {
        if (Plain().IsMatch(text) && !Reserved().IsMatch(text)) return text;
        var quoted = new StringBuilder("\"");
        foreach (var c in text)
        {
            if (c is '"' or '\\') quoted.Append('\\').Append(c);
            else if (char.IsControl(c) || c is '\u2028' or '\u2029' or '\uFEFF') quoted.Append($"\\u{(int)c:X4}");
            else quoted.Append(c);
        }
        return quoted.Append('"').ToString();
    }

    [GeneratedRegex("^[A-Za-z_./][A-Za-z0-9_./-]*$")]
    private static partial Regex Plain();

    // Words that some YAML reader takes for something else than a string.
    [GeneratedRegex("^(?i:null|true|false|yes|no|on|off|y|n|\\.nan|\\.inf|\\.[0-9].*)$")]
    private static partial Regex Reserved();
}
