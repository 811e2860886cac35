using VaeCluster.Checkpoints;
using VaeCluster.Config.Runs;

namespace VaeCluster.Applications.Interchange;

/// <summary>
/// Weights to begin a run with: a diffusers folder, a safetensors file of diffusers, of the CompVis code or of ours, a
/// checkpoint or run folder of ours. With them comes the configuration that they need, as YAML.
/// </summary>
public sealed class ForeignModel : IDisposable
{
    private readonly IDisposable _source;

    private ForeignModel(IDisposable source, NamedWeights weights, string yaml) => (_source, Weights, Yaml) = (source, weights, yaml);

    public NamedWeights Weights { get; }

    /// <summary>The configuration to train them under, where the user gives none.</summary>
    public string Yaml { get; }

    public static ForeignModel Open(string path)
    {
        if (OpenFiles(path) is { } files) return files;
        if (File.Exists(Path.Combine(path, CheckpointRecord.FileName)) || File.Exists(Path.Combine(path, RunFolder.ConfigName)))
        {
            var saved = SavedModel.Open(path, CheckpointChoice.Latest, average: false);
            return new(saved, saved.Weights, saved.Config.ToYaml());
        }
        throw new UserErrorException($"{path}: is no safetensors file, no diffusers folder ({DiffusersFolder.ConfigName}, {DiffusersFolder.WeightsName}), "
            + "no checkpoint and no run.");
    }

    /// <summary>A safetensors file or a diffusers folder; null where it is neither.</summary>
    public static ForeignModel? OpenFiles(string path)
    {
        if (File.Exists(path)) return OfFile(path, (null, 32));
        var config = Path.Combine(path, DiffusersFolder.ConfigName);
        var weights = Path.Combine(path, DiffusersFolder.WeightsName);
        if (File.Exists(config) && File.Exists(weights)) return OfFile(weights, DiffusersFolder.Read(config));
        if (File.Exists(config)) throw new UserErrorException($"{path}: has no {DiffusersFolder.WeightsName}. Pickled weights are not read: save them as safetensors.");
        return null;
    }

    public void Dispose() => _source.Dispose();

    private static ForeignModel OfFile(string path, (int? ImageSize, int Groups) known)
    {
        SafetensorsFile file;
        try
        {
            file = SafetensorsFile.Open(path);
        }
        catch (Exception e) when (e is SafetensorsException or IOException or UnauthorizedAccessException)
        {
            throw new UserErrorException(e.Message, e);
        }
        try
        {
            var weights = new NamedWeights(file, ForeignNames.Reader(file.Tensors.Select(tensor => tensor.Name)));
            return new(file, weights, file.Metadata.GetValueOrDefault(NamedWeights.ConfigKey) ?? Describe(weights, known));
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    // An AutoencoderKL's shapes say what it is made of. Of anything else the user's configuration has to.
    private static string Describe(NamedWeights weights, (int? ImageSize, int Groups) known)
    {
        if (First("post_quant_conv.weight") is not { } latent || First("decoder.conv_out.bias") is not { } channels) return "";
        var widths = Count(i => $"encoder.down_blocks.{i}.resnets.0.conv1.weight").ToList();
        var layers = Count(i => $"encoder.down_blocks.0.resnets.{i}.conv1.weight").Count();
        if (widths.Count == 0) return "";
        return $$"""
            model: {preset: sd, image_size: {{known.ImageSize ?? 256}}, channels: {{channels}}, latent: {{latent}}, widths: [{{string.Join(", ", widths)}}], layers_per_block: {{layers}}, groups: {{known.Groups}}}

            """;

        long? First(string name) => weights.ShapeOf(name) is [var first, ..] ? first : null;
        IEnumerable<long> Count(Func<int, string> name) =>
            Enumerable.Range(0, 1000).Select(i => First(name(i))).TakeWhile(width => width is not null).Select(width => width!.Value);
    }
}
