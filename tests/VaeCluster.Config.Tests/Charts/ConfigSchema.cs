using System.ComponentModel.DataAnnotations;
using System.Globalization;
using System.Reflection;
using System.Text.Json.Nodes;
using VaeCluster.Config.Binding;
using VaeCluster.Models.Presets;

namespace VaeCluster.Config.Tests.Charts;

/// <summary>The configuration's keys as JSON schema (draft 7), read off the options classes: closed, with types, ranges and choices.</summary>
internal static class ConfigSchema
{
    public static JsonObject Of(Type type, string prefix = "")
    {
        var properties = new JsonObject();
        foreach (var property in OptionsShape.Of(type).Properties)
            properties[property.Key] = property.Kind == OptionKind.Section ? Of(property.Type, prefix + property.Key + ".") : OfValue(property, prefix + property.Key);
        var schema = new JsonObject { ["type"] = "object", ["additionalProperties"] = false, ["properties"] = properties };
        foreach (var alternatives in RunConfig.Alternatives)
        {
            var keys = alternatives.Select(path => path[(path.LastIndexOf('.') + 1)..]).ToArray();
            if (alternatives[0] != prefix + keys[0]) continue;
            schema["not"] = new JsonObject { ["required"] = new JsonArray([.. keys.Select(key => JsonValue.Create(key))]) };
        }
        return schema;
    }

    private static JsonObject OfValue(OptionProperty property, string path)
    {
        var schema = OfScalar(property.Type);
        if (path == "model.preset") schema["enum"] = new JsonArray([.. Preset.All.Select(preset => JsonValue.Create(preset.Name))]);
        foreach (var attribute in property.Property.GetCustomAttributes<ValidationAttribute>()) Narrow(schema, attribute);
        if (property.Kind == OptionKind.List) schema = new JsonObject { ["type"] = "array", ["items"] = schema };
        if (!property.Nullable) return schema;
        schema["type"] = new JsonArray(schema["type"]!.DeepClone(), "null");
        (schema["enum"] as JsonArray)?.Add((JsonNode?)null);
        return schema;
    }

    private static JsonObject OfScalar(Type type)
    {
        if (type.IsEnum) return new() { ["type"] = "string", ["enum"] = new JsonArray([.. Enum.GetNames(type).Select(name => JsonValue.Create(OptionsShape.KeyOf(name)))]) };
        return new()
        {
            ["type"] = Type.GetTypeCode(type) switch
            {
                TypeCode.Boolean => "boolean",
                TypeCode.Double or TypeCode.Single => "number",
                TypeCode.Byte or TypeCode.Int32 or TypeCode.Int64 or TypeCode.UInt32 or TypeCode.UInt64 => "integer",
                _ => "string",
            },
        };
    }

    private static void Narrow(JsonObject schema, ValidationAttribute attribute)
    {
        switch (attribute)
        {
            case RangeAttribute range:
                var (least, most) = (Convert.ToDouble(range.Minimum, CultureInfo.InvariantCulture), Convert.ToDouble(range.Maximum, CultureInfo.InvariantCulture));
                if (least == double.Epsilon) schema["exclusiveMinimum"] = 0;
                else schema["minimum"] = Number(least);
                // The end of the type is no rule.
                if (most < int.MaxValue) schema["maximum"] = Number(most);
                break;
            case RegularExpressionAttribute pattern:
                schema["pattern"] = pattern.Pattern;
                break;
            case RequiredAttribute:
                schema["minLength"] = 1;
                break;
        }
    }

    private static JsonValue Number(double value) => value == Math.Floor(value) ? JsonValue.Create((long)value) : JsonValue.Create(value);
}
