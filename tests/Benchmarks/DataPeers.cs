using System.Diagnostics;
using System.Globalization;

namespace Benchmarks;

/// <summary>A folder of this run, gone with it.</summary>
internal sealed class TemporaryFolder : IDisposable
{
    public string Path { get; } = Directory.CreateTempSubdirectory("vaecluster-bench-").FullName;

    public string File(string name) => System.IO.Path.Combine(Path, name);

    public void Dispose() => Directory.Delete(Path, recursive: true);
}

/// <summary>The real images: below VAECLUSTER_TEST_DATA, or shared/data beside the repository or above it.</summary>
internal static class TestData
{
    public static string? Find(string name)
    {
        if (Environment.GetEnvironmentVariable("VAECLUSTER_TEST_DATA") is { Length: > 0 } named) return Existing(named);
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
            if (Existing(Path.Combine(folder.FullName, "shared", "data")) is { } found) return found;
        return null;

        string? Existing(string root) => Directory.Exists(Path.Combine(root, name)) ? Path.Combine(root, name) : null;
    }
}

/// <summary>The distribution's Python, with its PyTorch.</summary>
internal static class Python
{
    public static Process Start(string script, params string[] arguments)
    {
        var start = new ProcessStartInfo("/usr/bin/python3", ["-c", script, .. arguments]) { RedirectStandardInput = true, RedirectStandardOutput = true };
        return Process.Start(start)!;
    }

    public static async Task RunAsync(string script, params string[] arguments)
    {
        using var process = Start(script, arguments);
        await process.WaitForExitAsync();
        if (process.ExitCode != 0) throw new InvalidOperationException("The Python script failed.");
    }
}

/// <summary>torchvision's transforms on PIL's images, one thread, batches collated as a DataLoader does.</summary>
internal sealed class TorchvisionPeer(string folder) : IAsyncDisposable
{
    private const string Script = """
        import os, sys, time, torch
        from PIL import Image
        from torchvision import transforms
        torch.set_num_threads(1)
        folder = sys.argv[1]
        paths = [os.path.join(folder, name) for name in sorted(os.listdir(folder))]
        for line in sys.stdin:
            size = int(line)
            transform = transforms.Compose([transforms.Resize(size), transforms.CenterCrop(size), transforms.ToTensor()])
            start = time.perf_counter()
            for first in range(0, len(paths), 32):
                batch = torch.stack([transform(Image.open(path).convert('RGB')) for path in paths[first:first + 32]])
            print(time.perf_counter() - start, flush=True)
        """;

    private readonly Process process = Python.Start(Script, folder);

    public async Task<double> SecondsAsync(int size)
    {
        await process.StandardInput.WriteLineAsync($"{size}");
        await process.StandardInput.FlushAsync();
        var line = await process.StandardOutput.ReadLineAsync() ?? throw new InvalidOperationException("The peer ended.");
        return double.Parse(line, CultureInfo.InvariantCulture);
    }

    public async ValueTask DisposeAsync()
    {
        process.StandardInput.Close();
        await process.WaitForExitAsync();
        process.Dispose();
    }
}
