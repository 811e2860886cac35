namespace VaeCluster.Checkpoints;

/// <summary>Copies a tensor's values, little-endian and row-major, into the place that is made for them.</summary>
public delegate void CopyTensor(Span<byte> destination);

/// <summary>A tensor that is going to be saved. Its bytes are copied once, on the caller's thread, while the save is accepted.</summary>
/// <param name="Name">As the model or the optimizer calls it.</param>
/// <param name="Type">Of its values.</param>
/// <param name="Shape">Outermost first.</param>
/// <param name="Copy">Fills a span of exactly its size; from a GPU this is the copy to the host.</param>
public sealed record CheckpointTensor(string Name, SafetensorsType Type, IReadOnlyList<long> Shape, CopyTensor Copy)
{
    /// <summary>
    /// Where its values lie in this process's memory, contiguous, asked for while the save is accepted: they are taken from there by
    /// several threads. Null where only <see cref="Copy"/> can bring them.
    /// </summary>
    public Func<nint>? Address { get; init; }

    /// <summary>Bytes.</summary>
    public long Length => Shape.Aggregate((long)Type.SizeOf(), (length, size) => checked(length * size));

    internal SafetensorsDeclaration Declaration => new(Name, Type, Shape);
}

/// <summary>The state after a step, to be saved.</summary>
public sealed record CheckpointSnapshot(
    CheckpointMetadata Metadata,
    IReadOnlyList<CheckpointTensor> Weights,
    IReadOnlyList<CheckpointTensor> Optimizer,
    IReadOnlyList<CheckpointTensor>? Ema = null)
{
    internal IEnumerable<(string Name, IReadOnlyList<CheckpointTensor> Tensors)> Files()
    {
        yield return (CheckpointFile.Weights, Weights);
        yield return (CheckpointFile.Optimizer, Optimizer);
        if (Ema is not null) yield return (CheckpointFile.Ema, Ema);
    }
}
