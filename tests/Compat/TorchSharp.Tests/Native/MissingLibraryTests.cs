using System.Diagnostics;
using static TorchSharp.torch;

namespace TorchSharp.Tests.NativeCode;

/// <summary>What somebody sees whose libtorch is missing or broken: tried by a copy of this program.</summary>
public sealed class MissingLibraryTests
{
    private const string Library = "libvaecluster_torchsharp.so";

    [Fact]
    public void WithoutTheLibrary_TheFirstUseSaysWhatToDo() => AssertAdvice(folder => File.Delete(Path.Combine(folder, Library)));

    [Fact]
    public void WithABrokenLibrary_TheFirstUseSaysWhatToDo() =>
        AssertAdvice(folder => File.WriteAllText(Path.Combine(folder, Library), "not a library"));

    [Fact]
    public void WithABrokenLibtorch_TheFirstUseSaysWhatToDoAndNamesIt()
    {
        using (ones(1))
        {
            var libtorch = File.ReadLines("/proc/self/maps").Select(line => line.Split('/')[^1]).First(name => name.StartsWith("libc10.so", StringComparison.Ordinal));
            // The name that the loader asks for has fewer version numbers than the file's. It looks in this folder first.
            var names = Enumerable.Range(2, libtorch.Split('.').Length - 1).Select(parts => string.Join('.', libtorch.Split('.').Take(parts)));
            AssertAdvice(
                folder =>
                {
                    foreach (var name in names) File.WriteAllText(Path.Combine(folder, name), "not a library");
                },
                "libc10.so");
        }
    }

    /// <summary>Run in the copy alone.</summary>
    [Fact(Explicit = true)]
    public void Probe()
    {
        var report = Environment.GetEnvironmentVariable("VAECLUSTER_PROBE_REPORT");
        Assert.SkipUnless(report is not null, "this is the part of the other tests that runs in a copy of the program");
        try
        {
            using var x = ones(1);
            File.WriteAllText(report, "it worked");
        }
        catch (Exception failure)
        {
            File.WriteAllText(report, $"{failure.GetType()}: {failure.Message}");
        }
    }

    private static void AssertAdvice(Action<string> breakIt, string named = Library)
    {
        var folder = Directory.CreateTempSubdirectory("vaecluster-missing-").FullName;
        try
        {
            foreach (var file in Directory.GetFiles(AppContext.BaseDirectory)) File.Copy(file, Path.Combine(folder, Path.GetFileName(file)));
            breakIt(folder);
            var report = Path.Combine(folder, "report");
            ProcessStartInfo start = new(Path.Combine(folder, Path.GetFileName(Environment.ProcessPath!)))
            {
                RedirectStandardOutput = true,
                RedirectStandardError = true,
                ArgumentList = { "-noLogo", "-explicit", "only", "-method", $"{typeof(MissingLibraryTests).FullName}.{nameof(Probe)}" },
                Environment = { ["VAECLUSTER_PROBE_REPORT"] = report, ["LD_LIBRARY_PATH"] = folder },
            };
            using var process = Process.Start(start)!;
            var output = process.StandardOutput.ReadToEndAsync();
            if (!process.WaitForExit(TimeSpan.FromMinutes(2)))
            {
                process.Kill(entireProcessTree: true);
                Assert.Fail("the copy of this program did not end within 2 minutes");
            }
            Assert.True(File.Exists(report), output.Result);
            var said = File.ReadAllText(report);
            Assert.StartsWith("System.DllNotFoundException: The native library", said);
            Assert.Contains("apt-get install libtorch-dev", said);
            Assert.Contains("-p:LibtorchPath=", said);
            Assert.Contains(named, said);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }
}
