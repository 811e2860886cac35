using System.Diagnostics;
using VaeCluster.Checkpoints;
using static TorchSharp.torch;

namespace VaeCluster.Models.Tests.Reference;

/// <summary>Runs reference.py for a preset in a folder of its own, and takes the folder away again.</summary>
internal sealed class PyTorchReference : IDisposable
{
    private static readonly TimeSpan Deadline = TimeSpan.FromMinutes(5);

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("vaecluster-reference-");

    public PyTorchReference(string preset, double adamRate, double sgdRate)
    {
        // Debian's Python, which has its torch; the same threads and BLAS core type as this process.
        var start = new ProcessStartInfo("/usr/bin/python3") { RedirectStandardError = true };
        var script = Path.Combine(AppContext.BaseDirectory, "Reference", "reference.py");
        foreach (var argument in (string[])["-B", script, preset, _folder.FullName, $"{adamRate}", $"{sgdRate}"]) start.ArgumentList.Add(argument);
        using var process = Process.Start(start)!;
        var errors = process.StandardError.ReadToEndAsync();
        if (!process.WaitForExit(Deadline))
        {
            process.Kill();
            Assert.Fail($"reference.py {preset} did not end within {Deadline}.");
        }
        Assert.True(process.ExitCode == 0, $"reference.py {preset}: {errors.Result}");
    }

    /// <summary>The tensors of one file by name.</summary>
    public Dictionary<string, Tensor> Read(string name)
    {
        using var file = SafetensorsFile.Open(Path.Combine(_folder.FullName, name + ".safetensors"));
        return file.Tensors.ToDictionary(entry => entry.Name, entry =>
        {
            var tensor = empty([.. entry.Shape], entry.Type == SafetensorsType.I64 ? ScalarType.Int64 : ScalarType.Float32);
            file.Read(entry, 0, tensor.bytes);
            return tensor;
        });
    }

    public void Dispose() => _folder.Delete(recursive: true);
}
