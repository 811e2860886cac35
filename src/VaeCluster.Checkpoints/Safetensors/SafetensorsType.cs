namespace VaeCluster.Checkpoints;

/// <summary>The types of the safetensors format that are taken here.</summary>
public enum SafetensorsType
{
    F32,
    F16,
    BF16,
    F64,
    I64,
    I32,
    I16,
    I8,
    U8,
    Bool,
}

/// <summary>Names and sizes, as the format has them.</summary>
public static class SafetensorsTypes
{
    private static readonly (string Name, int Size)[] Known =
        [("F32", 4), ("F16", 2), ("BF16", 2), ("F64", 8), ("I64", 8), ("I32", 4), ("I16", 2), ("I8", 1), ("U8", 1), ("BOOL", 1)];

    public static string NameOf(this SafetensorsType type) => Known[(int)type].Name;

    /// <summary>Bytes of one value.</summary>
    public static int SizeOf(this SafetensorsType type) => Known[(int)type].Size;

    public static SafetensorsType? Find(string name)
    {
        var index = Array.FindIndex(Known, known => known.Name == name);
        return index < 0 ? null : (SafetensorsType)index;
    }

    internal static string AllNames => string.Join(", ", Known.Select(known => known.Name));
}
