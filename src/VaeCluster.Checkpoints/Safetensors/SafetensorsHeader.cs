using System.Text.Json;

namespace VaeCluster.Checkpoints;

/// <summary>
/// The header of a safetensors file: a JSON map of names to type, shape and offsets. Read strictly: the tensors cover the
/// data without holes and overlaps, nothing is given twice, nothing unknown is passed over. Memory is bounded by the
/// header's length, and that by <see cref="LongestHeader"/>.
/// </summary>
internal static class SafetensorsHeader
{
    /// <summary>In bytes; the limit of the reference implementation too.</summary>
    public const int LongestHeader = 100_000_000;

    public const string MetadataName = "__metadata__";

    private const int MostDimensions = 64;

    /// <param name="json">The header without its length.</param>
    /// <param name="dataLength">Bytes that follow it in the file.</param>
    /// <param name="metadata">Receives the file's own key-value pairs.</param>
    /// <returns>The tensors in the order of their data.</returns>
    public static List<SafetensorsEntry> Parse(ReadOnlySpan<byte> json, long dataLength, Dictionary<string, string> metadata)
    {
        if (json.Length == 0 || json[0] != '{') throw new SafetensorsException("the header is not a JSON map");
        var entries = new List<SafetensorsEntry>();
        try
        {
            var reader = new Utf8JsonReader(json, new JsonReaderOptions { MaxDepth = 8 });
            var names = new HashSet<string>(StringComparer.Ordinal);
            reader.Read();
            while (reader.Read() && reader.TokenType != JsonTokenType.EndObject)
            {
                var name = reader.GetString()!;
                if (!names.Add(name)) throw new SafetensorsException($"{SafetensorsException.Shown(name)} is given twice");
                reader.Read();
                if (reader.TokenType != JsonTokenType.StartObject)
                    throw new SafetensorsException($"{SafetensorsException.Shown(name)} is not described by a JSON map");
                if (name == MetadataName) ReadMetadata(ref reader, metadata);
                else entries.Add(ReadEntry(ref reader, name));
            }
            // Reading on to the end finds what stands behind the map.
            while (reader.Read()) { }
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            throw new SafetensorsException($"the header is not valid JSON: {e.Message}", e);
        }
        return InOrder(entries, dataLength);
    }

    private static void ReadMetadata(ref Utf8JsonReader reader, Dictionary<string, string> metadata)
    {
        while (reader.Read() && reader.TokenType != JsonTokenType.EndObject)
        {
            var key = reader.GetString()!;
            reader.Read();
            if (reader.TokenType != JsonTokenType.String)
                throw new SafetensorsException($"metadata {SafetensorsException.Shown(key)} is not a text");
            if (!metadata.TryAdd(key, reader.GetString()!))
                throw new SafetensorsException($"metadata {SafetensorsException.Shown(key)} is given twice");
        }
    }

    private static SafetensorsEntry ReadEntry(ref Utf8JsonReader reader, string name)
    {
        var shown = SafetensorsException.Shown(name);
        SafetensorsType? type = null;
        List<long>? shape = null, offsets = null;
        while (reader.Read() && reader.TokenType != JsonTokenType.EndObject)
        {
            var key = reader.GetString()!;
            reader.Read();
            switch (key)
            {
                case "dtype" when type is null:
                    if (reader.TokenType != JsonTokenType.String) throw new SafetensorsException($"{shown}: dtype is not a text");
                    var dtype = reader.GetString()!;
                    type = SafetensorsTypes.Find(dtype) ?? throw new SafetensorsException(
                        $"{shown}: unknown dtype {SafetensorsException.Shown(dtype)}; known: {SafetensorsTypes.AllNames}");
                    break;
                case "shape" when shape is null:
                    shape = ReadNumbers(ref reader, shown, key, MostDimensions);
                    break;
                case "data_offsets" when offsets is null:
                    offsets = ReadNumbers(ref reader, shown, key, 2);
                    break;
                default:
                    var known = key is "dtype" or "shape" or "data_offsets";
                    throw new SafetensorsException($"{shown}: {SafetensorsException.Shown(key)} {(known ? "is given twice" : "is unknown")}");
            }
        }
        if (type is null) throw new SafetensorsException($"{shown}: dtype is missing");
        if (shape is null) throw new SafetensorsException($"{shown}: shape is missing");
        if (offsets is not { Count: 2 }) throw new SafetensorsException($"{shown}: data_offsets are not two numbers");
        return Checked(new SafetensorsEntry(name, type.Value, shape, offsets[0], offsets[1]), shown);
    }

    private static List<long> ReadNumbers(ref Utf8JsonReader reader, string shown, string key, int most)
    {
        if (reader.TokenType != JsonTokenType.StartArray) throw new SafetensorsException($"{shown}: {key} is not a list");
        var numbers = new List<long>();
        while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
        {
            if (reader.TokenType != JsonTokenType.Number || !reader.TryGetInt64(out var number) || number < 0)
                throw new SafetensorsException($"{shown}: {key} holds something else than whole numbers from 0 on");
            if (numbers.Count == most) throw new SafetensorsException($"{shown}: {key} has more than {most} numbers");
            numbers.Add(number);
        }
        return numbers;
    }

    private static SafetensorsEntry Checked(SafetensorsEntry entry, string shown)
    {
        var bytes = (Int128)entry.Type.SizeOf();
        foreach (var size in entry.Shape)
        {
            bytes *= size;
            if (bytes > long.MaxValue) throw new SafetensorsException($"{shown}: its shape overflows");
        }
        if (entry.End < entry.Begin) throw new SafetensorsException($"{shown}: its data ends before it begins");
        if (bytes != entry.End - entry.Begin)
            throw new SafetensorsException($"{shown}: its shape takes {bytes} bytes, its data_offsets {entry.End - entry.Begin}");
        return entry;
    }

    private static List<SafetensorsEntry> InOrder(List<SafetensorsEntry> entries, long dataLength)
    {
        // A tensor without values shares its place with the next one.
        entries.Sort((a, b) => a.Begin != b.Begin ? a.Begin.CompareTo(b.Begin) : a.End.CompareTo(b.End));
        long at = 0;
        foreach (var entry in entries)
        {
            var shown = SafetensorsException.Shown(entry.Name);
            if (entry.End > dataLength)
                throw new SafetensorsException($"{shown}: its data ends at {entry.End}, beyond the {dataLength} bytes of data in the file");
            if (entry.Begin < at) throw new SafetensorsException($"{shown}: its data overlaps with that of the tensor before it");
            if (entry.Begin > at) throw new SafetensorsException($"{shown}: a hole of {entry.Begin - at} bytes stands before its data");
            at = entry.End;
        }
        if (at != dataLength) throw new SafetensorsException($"{dataLength - at} bytes stand behind the last tensor");
        return entries;
    }
}
