using System.Security.Cryptography;

namespace VaeCluster.Checkpoints;

/// <summary>A complete file in memory that is not the garbage collector's; valid until its buffer is filled again.</summary>
public sealed unsafe class SnapshotFile
{
    private const int HashPiece = 1 << 20;

    private readonly byte* _start;
    private readonly int _headerLength;
    private readonly IReadOnlyList<CheckpointTensor> _tensors;

    internal SnapshotFile(string name, byte* start, long length, int headerLength, IReadOnlyList<CheckpointTensor> tensors)
    {
        Name = name;
        Length = length;
        _start = start;
        _headerLength = headerLength;
        _tensors = tensors;
    }

    public string Name { get; }

    /// <summary>Bytes.</summary>
    public long Length { get; }

    /// <summary>A part of it, to read; no copy.</summary>
    public Stream Open(long offset, long length)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(offset);
        ArgumentOutOfRangeException.ThrowIfNegative(length);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(offset, Length - length);
        return new UnmanagedMemoryStream(_start + offset, length);
    }

    /// <summary>A part of it where it lies; at most 2 GiB.</summary>
    public ReadOnlySpan<byte> Bytes(long offset, int length)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(offset);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(offset, Length - length);
        return new ReadOnlySpan<byte>(_start + offset, length);
    }

    internal string Sha256(CancellationToken cancellation)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        for (long at = 0; at < Length; at += HashPiece)
        {
            cancellation.ThrowIfCancellationRequested();
            hash.AppendData(Bytes(at, (int)Math.Min(HashPiece, Length - at)));
        }
        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    /// <summary>The tensors with their bytes, for <see cref="TensorHash"/>.</summary>
    internal IEnumerable<(SafetensorsDeclaration Tensor, SnapshotFile File, long Offset)> Tensors()
    {
        long at = _headerLength;
        foreach (var tensor in _tensors)
        {
            yield return (tensor.Declaration, this, at);
            at += tensor.Length;
        }
    }
}
