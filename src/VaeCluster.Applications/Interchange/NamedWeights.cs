using VaeCluster.Checkpoints;
using VaeCluster.Config;
using VaeCluster.Models;
using static TorchSharp.torch;

namespace VaeCluster.Applications.Interchange;

/// <summary>
/// A model's parameters and buffers in safetensors files, ours or others', under the names that our models have. Files of half
/// precision are taken, and matrices that were kept as 1x1 convolutions. The files stay the caller's.
/// </summary>
public sealed class NamedWeights
{
    /// <summary>The pair of a file's own that holds the configuration of a model of ours, YAML.</summary>
    public const string ConfigKey = "vaecluster_config";

    private const int Named = 5;

    private readonly SortedDictionary<string, (SafetensorsFile File, SafetensorsEntry Entry)> tensors = new(StringComparer.Ordinal);

    /// <param name="file">Stays open as long as this is used.</param>
    /// <param name="rename">Our name for one of the file's, null for what is left out.</param>
    /// <exception cref="UserErrorException">Two of the file's names mean the same tensor.</exception>
    public NamedWeights(SafetensorsFile file, Func<string, string?>? rename = null)
    {
        ArgumentNullException.ThrowIfNull(file);
        foreach (var entry in file.Tensors)
        {
            var name = rename is null ? entry.Name : rename(entry.Name);
            if (name is not null && !tensors.TryAdd(name, (file, entry)))
                throw new UserErrorException($"{file.Path}: {entry.Name} and {tensors[name].Entry.Name} are both {name}.");
        }
    }

    public IReadOnlyCollection<string> Names => tensors.Keys;

    /// <summary>Null where there is no such tensor.</summary>
    public IReadOnlyList<long>? ShapeOf(string name) => tensors.TryGetValue(name, out var found) ? found.Entry.Shape : null;

    /// <summary>Takes what is in the other file in place of what is here, such as the average for the parameters.</summary>
    public void Replace(SafetensorsFile file)
    {
        foreach (var entry in file.Tensors) tensors[entry.Name] = (file, entry);
    }

    /// <summary>Into the model, wherever its tensors are.</summary>
    /// <exception cref="UserErrorException">A tensor is missing, of another shape, or not one of the model's: the first ones are named.</exception>
    public void Load(ImageAutoencoder model)
    {
        ArgumentNullException.ThrowIfNull(model);
        var own = model.state_dict();
        ThrowIfUnfit(own);
        using var _ = no_grad();
        foreach (var (name, (file, entry)) in tensors)
        {
            using var scope = NewDisposeScope();
            var plain = empty([.. entry.Shape], dtype: TypeOf(entry.Type));
            file.Read(entry, 0, plain.bytes);
            own[name].copy_(plain.to(own[name].dtype).view(own[name].shape));
        }
    }

    /// <summary>One file of all of them, as they are.</summary>
    /// <param name="path">Replaced where it is there.</param>
    /// <param name="config">Goes into the file as the pair <see cref="ConfigKey"/>, so that it says which model it is of.</param>
    public void Write(string path, RunConfig? config = null)
    {
        var pairs = new Dictionary<string, string> { ["format"] = "pt" };
        if (config is not null) pairs[ConfigKey] = config.ToYaml();
        var declared = tensors.Select(pair => new SafetensorsDeclaration(pair.Key, pair.Value.Entry.Type, pair.Value.Entry.Shape)).ToList();
        using var stream = File.Create(path);
        using var writer = new SafetensorsWriter(stream, declared, pairs);
        foreach (var (name, (file, entry)) in tensors)
        {
            for (long at = 0; at < entry.Length;)
            {
                var bytes = file.Bytes(entry, at);
                writer.Write(name, bytes);
                at += bytes.Length;
            }
        }
        writer.Complete();
        stream.Flush(flushToDisk: true);
    }

    private void ThrowIfUnfit(Dictionary<string, Tensor> own)
    {
        var mistakes = own.Keys.Where(name => !tensors.ContainsKey(name)).Select(name => $"{name} is missing").ToList();
        foreach (var (name, (_, entry)) in tensors)
        {
            if (!own.TryGetValue(name, out var tensor)) mistakes.Add($"{entry.Name} is not part of this model");
            else if (!Trimmed(entry.Shape).SequenceEqual(Trimmed(tensor.shape)))
                mistakes.Add($"{entry.Name} is [{string.Join(", ", entry.Shape)}] in the file and [{string.Join(", ", tensor.shape)}] in the model");
        }
        if (mistakes.Count == 0) return;
        var file = tensors.Count > 0 ? tensors.First().Value.File.Path : "the file";
        var more = mistakes.Count > Named ? $"; and {mistakes.Count - Named} more" : "";
        throw new UserErrorException($"{file}: does not fit the model: {string.Join("; ", mistakes.Take(Named))}{more}.");
    }

    // A matrix and the 1x1 convolution that does the same have the same values in the same order.
    private static IEnumerable<long> Trimmed(IReadOnlyList<long> shape) => shape is [_, _, 1, 1] ? shape.Take(2) : shape;

    private static ScalarType TypeOf(SafetensorsType type) => type switch
    {
        SafetensorsType.F32 => ScalarType.Float32,
        SafetensorsType.F16 => ScalarType.Float16,
        SafetensorsType.BF16 => ScalarType.BFloat16,
        SafetensorsType.F64 => ScalarType.Float64,
        SafetensorsType.I64 => ScalarType.Int64,
        _ => throw new UserErrorException($"Weights of type {type.NameOf()} are not taken; give F32, F16, BF16 or F64."),
    };
}
