using System.Runtime.CompilerServices;

namespace VaeCluster.Data.Tests;

/// <summary>
/// Where the real images are: VAECLUSTER_TEST_DATA, or ../shared/data beside the repository. Neither is a must: tests
/// that need them skip, saying so, and the others generate theirs.
/// </summary>
internal static class TestData
{
    public const string Missing = "The real images are not here; set VAECLUSTER_TEST_DATA to a folder with mnist/ and dogs/.";

    public static string? Root { get; } = Find();

    public static string Mnist => Need("mnist");

    public static string Dogs => Need("dogs");

    private static string Need(string name)
    {
        Assert.SkipWhen(Root is null, Missing);
        return Path.Combine(Root!, name);
    }

    private static string? Find()
    {
        if (Environment.GetEnvironmentVariable("VAECLUSTER_TEST_DATA") is { Length: > 0 } named) return named;
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (!File.Exists(Path.Combine(folder.FullName, "VaeCluster.sln"))) continue;
            // Beside the repository, or beside the folder that holds several checkouts of it.
            for (var above = folder.Parent; above is not null; above = above.Parent)
            {
                var beside = Path.Combine(above.FullName, "shared", "data");
                if (Directory.Exists(beside)) return beside;
            }
        }
        return null;
    }
}

/// <summary>A folder for one test, gone with it.</summary>
internal sealed class TemporaryFolder : IDisposable
{
    public TemporaryFolder([CallerMemberName] string name = "") =>
        Path = Directory.CreateTempSubdirectory($"vaecluster-{name}-").FullName;

    public string Path { get; }

    public string File(string name) => System.IO.Path.Combine(Path, name);

    public void Dispose() => Directory.Delete(Path, recursive: true);
}

/// <summary>What the code keeps in the user's cache folder goes into one of this run.</summary>
internal static class IsolatedCache
{
    [ModuleInitializer]
    internal static void Set()
    {
        var folder = Directory.CreateTempSubdirectory("vaecluster-tests-cache-").FullName;
        Environment.SetEnvironmentVariable("XDG_CACHE_HOME", folder);
        AppDomain.CurrentDomain.ProcessExit += (_, _) => Directory.Delete(folder, recursive: true);
    }
}
