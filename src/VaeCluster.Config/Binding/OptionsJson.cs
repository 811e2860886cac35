using System.Collections;
using System.Text.Json.Nodes;

namespace VaeCluster.Config.Binding;

/// <summary>Options as JSON under the same keys as in YAML.</summary>
public static class OptionsJson
{
    public static JsonObject ToJson(object options)
    {
        var json = new JsonObject();
        foreach (var property in OptionsShape.Of(options.GetType()).Properties)
            json[property.Key] = ToNode(property.Kind, property.Get(options));
        return json;
    }

    private static JsonNode? ToNode(OptionKind kind, object? value) => (kind, value) switch
    {
        (_, null) => null,
        (OptionKind.Section, _) => ToJson(value),
        (OptionKind.List, IEnumerable items) => new JsonArray(items.Cast<object>().Select(ToItem).ToArray()),
        _ => ToScalar(value),
    };

    private static JsonNode? ToItem(object item) => ScalarText.Takes(item.GetType()) ? ToScalar(item) : ToJson(item);

    private static JsonValue ToScalar(object value) => value switch
    {
        bool truth => JsonValue.Create(truth),
        int whole => JsonValue.Create(whole),
        long whole => JsonValue.Create(whole),
        ulong whole => JsonValue.Create(whole),
        float number => JsonValue.Create(number),
        double number => JsonValue.Create(number),
        _ => JsonValue.Create(ScalarText.Format(value))!,
    };
}
