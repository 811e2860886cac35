using System.Diagnostics;
using System.Text.RegularExpressions;
using Compat.ApiListing;

namespace TorchSharp.Tests.NativeCode;

/// <summary>What CMake says of a libtorch that the native library can't be built on.</summary>
public sealed partial class LibtorchConfigureTests : IDisposable
{
    private const string Advice =
        "Install it (apt-get install libtorch-dev), or point the build at another one with -p:LibtorchPath=/opt/libtorch.";

    private readonly string folder = Directory.CreateTempSubdirectory("vaecluster-configure-").FullName;

    public void Dispose() => Directory.Delete(folder, recursive: true);

    [Fact]
    public void Configure_NoLibtorch_SaysWhatToDo() =>
        AssertRefused($"libtorch was not found. {Advice}", "-DCMAKE_DISABLE_FIND_PACKAGE_Torch=ON");

    [Fact]
    public void Configure_PackageOfAnOldVersion_SaysWhichAndWhatToDo()
    {
        Write("TorchConfig.cmake", "");
        Write("TorchConfigVersion.cmake", "set(PACKAGE_VERSION 1.12.1)");

        AssertRefused($"libtorch 1.12.1 is too old: 1.13 or newer is needed. {Advice}", $"-DTorch_DIR={folder}");
    }

    [Fact]
    public void Configure_HeaderOfAnOldVersion_SaysWhichAndWhatToDo()
    {
        Write("TorchConfig.cmake", "set(TORCH_INCLUDE_DIRS ${CMAKE_CURRENT_LIST_DIR}/include)");
        Write("include/torch/version.h", "#define TORCH_VERSION_MAJOR 1\n#define TORCH_VERSION_MINOR 9\n");

        AssertRefused($"libtorch 1.9 is too old: 1.13 or newer is needed. {Advice}", $"-DTorch_DIR={folder}");
    }

    [Fact]
    public void Configure_NoVersionAnywhere_SaysSo()
    {
        Write("TorchConfig.cmake", "set(TORCH_INCLUDE_DIRS ${CMAKE_CURRENT_LIST_DIR}/include)");

        AssertRefused($"The libtorch in {folder}/include does not say which version it is. {Advice}", $"-DTorch_DIR={folder}");
    }

    /// <summary>Beneath another libtorch, one that lacks a function: a failure to load and not a dead process at the first call.</summary>
    [Fact]
    public void Library_BindsAllFunctionsWhenItIsLoaded() =>
        Assert.Contains("BIND_NOW", Run("readelf", ["-d", Path.Combine(AppContext.BaseDirectory, "libvaecluster_torchsharp.so")]).Output, StringComparison.Ordinal);

    private void Write(string name, string text)
    {
        var path = Path.Combine(folder, name);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        File.WriteAllText(path, text);
    }

    private void AssertRefused(string expected, string setting)
    {
        var (code, output) = Run("cmake", ["-S", Path.Combine(OfficialListing.RepositoryRoot(), "src/Compat/TorchSharp/native"), "-B", Path.Combine(folder, "build"), setting]);

        Assert.NotEqual(0, code);
        // CMake breaks a message into lines.
        Assert.Contains(expected, Spaces().Replace(output, " "), StringComparison.Ordinal);
    }

    private static (int Code, string Output) Run(string program, string[] arguments)
    {
        using var process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true })!;
        var (output, errors) = (process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
        if (!process.WaitForExit(TimeSpan.FromMinutes(2)))
        {
            process.Kill(entireProcessTree: true);
            Assert.Fail($"{program} did not end within 2 minutes");
        }
        return (process.ExitCode, output.Result + errors.Result);
    }

    [GeneratedRegex(@"\s+")]
    private static partial Regex Spaces();
}
