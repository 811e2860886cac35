using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using VaeCluster.Checkpoints;
using static TorchSharp.torch;

namespace VaeCluster.Worker.Checkpoints;

/// <summary>Between tensors and the bytes of safetensors files.</summary>
internal static class TensorFiles
{
    private const int Named = 5;

    /// <summary>Copied when the save is accepted: from a GPU this is the copy to the host.</summary>
    /// <param name="name">In the file.</param>
    /// <param name="tensor">Stays the same one, wherever its values are.</param>
    public static unsafe CheckpointTensor ToSave(string name, Tensor tensor) => new(name, TypeOf(tensor), tensor.shape, destination =>
    {
        using var scope = NewDisposeScope();
        tensor.detach().cpu().contiguous().bytes.CopyTo(destination);
    })
    {
        Address = tensor.is_cpu() && tensor.is_contiguous() ? () => (nint)Unsafe.AsPointer(ref MemoryMarshal.GetReference(tensor.bytes)) : null,
    };

    public static SafetensorsType TypeOf(Tensor tensor) => tensor.dtype switch
    {
        ScalarType.Float32 => SafetensorsType.F32,
        ScalarType.Int64 => SafetensorsType.I64,
        var other => throw new ArgumentException($"Tensors of {other} are not kept in files."),
    };

    /// <exception cref="UserErrorException">A tensor is missing, too much, or of another type or shape: the first ones are named.</exception>
    public static void Check(SafetensorsFile file, IReadOnlyList<CheckpointTensor> wanted)
    {
        var mistakes = new List<string>();
        foreach (var tensor in wanted)
        {
            var found = file.Find(tensor.Name);
            if (found is null) mistakes.Add($"{tensor.Name} is missing");
            else if (found.Type != tensor.Type || !found.Shape.SequenceEqual(tensor.Shape))
                mistakes.Add($"{tensor.Name} is {Shown(found.Type, found.Shape)} there and {Shown(tensor.Type, tensor.Shape)} here");
        }
        var names = wanted.Select(tensor => tensor.Name).ToHashSet();
        mistakes.AddRange(file.Tensors.Where(tensor => !names.Contains(tensor.Name)).Select(tensor => $"{tensor.Name} is not part of this model"));
        if (mistakes.Count == 0) return;
        var more = mistakes.Count > Named ? $"; and {mistakes.Count - Named} more" : "";
        throw new UserErrorException($"{file.Path}: does not fit the configuration: {string.Join("; ", mistakes.Take(Named))}{more}.");
    }

    /// <summary>Into tensors of the same type and shape, wherever they are.</summary>
    public static void Read(SafetensorsFile file, IEnumerable<(string Name, Tensor Tensor)> tensors)
    {
        using var _ = no_grad();
        foreach (var (name, tensor) in tensors)
        {
            using var scope = NewDisposeScope();
            var inPlace = tensor.is_cpu() && tensor.is_contiguous();
            var plain = inPlace ? tensor.detach() : empty(tensor.shape, dtype: tensor.dtype);
            file.Read(file.Find(name)!, 0, plain.bytes);
            if (!inPlace) tensor.copy_(plain);
        }
    }

    private static string Shown(SafetensorsType type, IReadOnlyList<long> shape) => $"{type.NameOf()} [{string.Join(", ", shape)}]";
}
