using VaeCluster.Applications.Interchange;
using VaeCluster.Checkpoints;
using VaeCluster.Config;
using VaeCluster.Data.Images;
using VaeCluster.Models;
using VaeCluster.Torch;
using static TorchSharp.torch;

namespace VaeCluster.Applications.Tests;

/// <summary>A small model with random weights in a safetensors file of ours, and pictures to put through it.</summary>
public sealed class TinyModel : IDisposable
{
    public const string MnistYaml = "model: {preset: mnist}\n";

    /// <summary>Grey pixels of squared error: the likelihood is discrete in nothing, and sizes are free.</summary>
    public const string ColourYaml = "model: {preset: tiny, image_size: 16, widths: [8, 16], groups: 4}\n";

    public TinyModel()
    {
        Digits = Save("digits.safetensors", MnistYaml);
        Colour = Save("colour.safetensors", ColourYaml);
    }

    public string Root { get; } = Directory.CreateTempSubdirectory("vaecluster-applications-").FullName;

    public string Digits { get; }

    public string Colour { get; }

    public string In(string name) => Path.Combine(Root, name);

    public static AppliedModel Open(string file) => AppliedModel.Open(new() { Place = file, Device = "cpu", Threads = 1 });

    /// <summary>A smooth picture that differs with the seed.</summary>
    public string Image(string name, int width = 28, int height = 28, int channels = 1, int seed = 1)
    {
        var pixels = new byte[width * height * channels];
        for (var i = 0; i < pixels.Length; i++)
        {
            var (x, y, c) = (i / channels % width, i / channels / width, i % channels);
            pixels[i] = (byte)(127.5 + 127 * Math.Sin(0.37 * seed + 0.21 * x * (1 + seed % 3) + 0.13 * y + c));
        }
        var path = In(name);
        ImageWriter.WritePng(path, width, height, channels, pixels);
        return path;
    }

    public void Dispose() => Directory.Delete(Root, recursive: true);

    private string Save(string name, string yaml)
    {
        TorchRuntime.Start(1);
        var config = new ConfigSources { Text = yaml, Name = name }.Load();
        manual_seed(5);
        using var model = ImageAutoencoder.Create(config.Model);
        var plain = In("plain-" + name);
        using (var stream = File.Create(plain))
        {
            using var scope = NewDisposeScope();
            var tensors = model.state_dict();
            using var writer = new SafetensorsWriter(stream, tensors.Select(pair => new SafetensorsDeclaration(pair.Key,
                pair.Value.dtype == ScalarType.Int64 ? SafetensorsType.I64 : SafetensorsType.F32, pair.Value.shape)));
            foreach (var (key, tensor) in tensors) writer.Write(key, tensor.detach().cpu().contiguous().bytes);
            writer.Complete();
        }
        using (var file = SafetensorsFile.Open(plain)) new NamedWeights(file).Write(In(name), config);
        File.Delete(plain);
        return In(name);
    }
}
