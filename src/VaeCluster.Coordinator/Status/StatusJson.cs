using System.Collections;
using System.Text.Json;
using System.Text.Json.Nodes;
using Google.Protobuf;
using Google.Protobuf.Reflection;

namespace VaeCluster.Coordinator.Status;

/// <summary>
/// A message as JSON for people's tools. Beside protobuf's own mapping: 64-bit numbers are numbers (a step compares as
/// one), enum values are in lower case as in the metrics' labels, absent fields are null rather than missing.
/// </summary>
internal static class StatusJson
{
    public static readonly JsonSerializerOptions Format = new() { WriteIndented = true };

    public static JsonObject Of(IMessage message) => new(message.Descriptor.Fields.InFieldNumberOrder()
        .Select(field => KeyValuePair.Create(field.Name, Value(field, message))));

    private static JsonNode? Value(FieldDescriptor field, IMessage message)
    {
        if (field.HasPresence && !field.Accessor.HasValue(message)) return null;
        return field.Accessor.GetValue(message) switch
        {
            IDictionary map => new JsonObject(map.Keys.Cast<string>().Order(StringComparer.Ordinal)
                .Select(key => KeyValuePair.Create(key, Single(field.MessageType.FindFieldByName("value"), map[key]!)))),
            IList list => new JsonArray([.. list.Cast<object>().Select(item => Single(field, item))]),
            var value => Single(field, value),
        };
    }

    private static JsonNode? Single(FieldDescriptor field, object value) => value switch
    {
        IMessage message => Of(message),
        Enum => field.EnumType.FindValueByNumber(Convert.ToInt32(value))?.Name.ToLowerInvariant() ?? value.ToString(),
        ByteString bytes => Convert.ToHexStringLower(bytes.Span),
        // JSON has no other numbers; null is what most tools take for "not a number".
        double number => double.IsFinite(number) ? JsonValue.Create(number) : null,
        ulong number => JsonValue.Create(number),
        long number => JsonValue.Create(number),
        uint number => JsonValue.Create(number),
        int number => JsonValue.Create(number),
        bool truth => JsonValue.Create(truth),
        _ => JsonValue.Create(value.ToString()),
    };
}
