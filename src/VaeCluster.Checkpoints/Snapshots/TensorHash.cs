using System.Security.Cryptography;
using System.Text;

namespace VaeCluster.Checkpoints;

/// <summary>
/// weights_sha256 from bytes: over tensors sorted by name (ordinal), for each the line "name dtype [d0,d1]\n" and its
/// little-endian values. The types have the names that torch gives them.
/// </summary>
public static class TensorHash
{
    /// <summary>Over all tensors of a file.</summary>
    public static string Of(SafetensorsFile file)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (var entry in file.Tensors.OrderBy(entry => entry.Name, StringComparer.Ordinal))
        {
            hash.AppendData(Line(entry.Name, entry.Type, entry.Shape));
            for (long at = 0; at < entry.Length;)
            {
                var bytes = file.Bytes(entry, at);
                hash.AppendData(bytes);
                at += bytes.Length;
            }
        }
        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    /// <summary>Over parameters and buffers.</summary>
    internal static string OfWeights(IReadOnlyList<SnapshotFile> files) => Of(files.Single(file => file.Name == CheckpointFile.Weights).Tensors());

    /// <summary>Over optimizer and EMA as one set, their names led by optimizer/ and ema/.</summary>
    internal static string OfState(IReadOnlyList<SnapshotFile> files) => Of(files
        .Where(file => file.Name != CheckpointFile.Weights)
        .SelectMany(file => file.Tensors().Select(entry => entry with
        {
            Tensor = entry.Tensor with { Name = $"{Path.GetFileNameWithoutExtension(file.Name)}/{entry.Tensor.Name}" },
        })));

    private static string Of(IEnumerable<(SafetensorsDeclaration Tensor, SnapshotFile File, long Offset)> tensors)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (var (tensor, file, offset) in tensors.OrderBy(entry => entry.Tensor.Name, StringComparer.Ordinal))
        {
            hash.AppendData(Line(tensor.Name, tensor.Type, tensor.Shape));
            var length = tensor.Shape.Aggregate((long)tensor.Type.SizeOf(), (product, size) => product * size);
            hash.AppendData(file.Bytes(offset, checked((int)length)));
        }
        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    private static byte[] Line(string name, SafetensorsType type, IReadOnlyList<long> shape) =>
        Encoding.UTF8.GetBytes($"{name} {TorchName(type)} [{string.Join(",", shape)}]\n");

    private static string TorchName(SafetensorsType type) => type switch
    {
        SafetensorsType.F32 => "float32",
        SafetensorsType.F16 => "float16",
        SafetensorsType.BF16 => "bfloat16",
        SafetensorsType.F64 => "float64",
        SafetensorsType.I64 => "int64",
        SafetensorsType.I32 => "int32",
        SafetensorsType.I16 => "int16",
        SafetensorsType.I8 => "int8",
        SafetensorsType.U8 => "byte",
        SafetensorsType.Bool => "bool",
        _ => throw new ArgumentOutOfRangeException(nameof(type)),
    };
}
