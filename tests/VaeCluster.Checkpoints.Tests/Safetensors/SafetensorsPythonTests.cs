using System.Diagnostics;
using System.Runtime.InteropServices;
using System.Text.Json.Nodes;

namespace VaeCluster.Checkpoints.Tests.Safetensors;

/// <summary>Against a reader and writer of a few lines of Python, which share no code with ours.</summary>
public sealed class SafetensorsPythonTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("vaecluster-python-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void Write_EveryType_PythonReadsTheSame()
    {
        var path = Path.Combine(_folder, "ours.safetensors");
        float[] weights = [1.5f, -0.25f, float.MaxValue, 0];
        long[] steps = [long.MinValue, 60];
        using (var writer = new SafetensorsWriter(File.Create(path),
        [
            new("weights", SafetensorsType.F32, [2, 2]), new("steps", SafetensorsType.I64, [2]), new("flags", SafetensorsType.Bool, [3]),
            new("empty", SafetensorsType.F16, [0, 5]), new("exact", SafetensorsType.F64, []), new("bytes", SafetensorsType.U8, [1]),
            new("small", SafetensorsType.I16, [1]), new("tiny", SafetensorsType.I8, [1]), new("int", SafetensorsType.I32, [1]),
            new("brain", SafetensorsType.BF16, [1]),
        ], new Dictionary<string, string> { ["format"] = "pt", ["quote"] = "\"\\\n" }))
        {
            writer.Write("weights", MemoryMarshal.AsBytes(weights.AsSpan()));
            writer.Write("steps", MemoryMarshal.AsBytes(steps.AsSpan()));
            writer.Write("flags", [1, 0, 1]);
            writer.Write("exact", BitConverter.GetBytes(0.1));
            writer.Write("bytes", [200]);
            writer.Write("small", BitConverter.GetBytes((short)-2));
            writer.Write("tiny", [0xFF]);
            writer.Write("int", BitConverter.GetBytes(-70_000));
            writer.Write("brain", [0x80, 0x3F]);
            writer.Complete();
        }

        var seen = JsonNode.Parse(Python("read", path))!;

        Assert.Equal(0, (int)seen["start"]! % 8);
        Assert.Equal("pt", (string)seen["metadata"]!["format"]!);
        Assert.Equal("\"\\\n", (string)seen["metadata"]!["quote"]!);
        var tensors = seen["tensors"]!.AsObject();
        Assert.Equal(["weights", "steps", "flags", "empty", "exact", "bytes", "small", "tiny", "int", "brain"], tensors.Select(pair => pair.Key));
        Assert.Equal("[[2,2],[1.5,-0.25,3.4028234663852886e+38,0.0]]", Text("weights"));
        Assert.Equal("[[2],[-9223372036854775808,60]]", Text("steps"));
        Assert.Equal("[[3],[true,false,true]]", Text("flags"));
        Assert.Equal("[[0,5],[]]", Text("empty"));
        Assert.Equal("[[],[0.1]]", Text("exact"));
        Assert.Equal(["[[1],[200]]", "[[1],[-2]]", "[[1],[-1]]", "[[1],[-70000]]", "[[1],[1.0]]"],
            new[] { "bytes", "small", "tiny", "int", "brain" }.Select(Text));

        string Text(string name) => tensors[name]!.ToJsonString();
    }

    [Fact]
    public void Open_WrittenByPython_ReadsTheSame()
    {
        var path = Path.Combine(_folder, "theirs.safetensors");
        Python("write", path);
        using var file = SafetensorsFile.Open(path);

        Assert.Equal("pt", file.Metadata["format"]);
        var weights = file.Find("weights")!;
        Assert.Equal([2, 3], weights.Shape);
        Assert.Equal([0f, 0.5f, 1f, 1.5f, 2f, 2.5f], MemoryMarshal.Cast<byte, float>(file.Bytes(weights)).ToArray());
        var copy = new byte[8];
        file.Read(file.Find("steps")!, 8, copy);
        Assert.Equal(-1, BitConverter.ToInt64(copy));
    }

    private static string Python(string what, string path)
    {
        var script = Path.Combine(AppContext.BaseDirectory, "Safetensors", "plain_safetensors.py");
        using var process = Process.Start(new ProcessStartInfo("/usr/bin/python3", [script, what, path])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        })!;
        var errors = process.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
        var output = process.StandardOutput.ReadToEnd();
        Assert.True(process.WaitForExit(60_000), "python3 did not end within a minute");
        Assert.True(process.ExitCode == 0, errors.Result);
        return output;
    }
}
