namespace VaeCluster.Checkpoints;

/// <summary>A tensor of a file: its bytes are [Begin, End) of the data that follows the header.</summary>
public sealed record SafetensorsEntry(string Name, SafetensorsType Type, IReadOnlyList<long> Shape, long Begin, long End)
{
    /// <summary>Bytes.</summary>
    public long Length => End - Begin;

    /// <summary>Number of values.</summary>
    public long Count => Length / Type.SizeOf();
}

/// <summary>A tensor that is going to be written.</summary>
public sealed record SafetensorsDeclaration(string Name, SafetensorsType Type, IReadOnlyList<long> Shape);
