namespace VaeCluster.Tests;

/// <summary>A temporary folder with a place for runs, and a cache for the generated shapes that all tests share.</summary>
public sealed class RunSandbox : IDisposable
{
    private static readonly string Cache = Path.Combine(Path.GetTempPath(), "vaecluster-tests-cache");

    private static readonly Dictionary<string, string> Surroundings = new() { ["XDG_CACHE_HOME"] = Cache };

    public string Root { get; } = Directory.CreateTempSubdirectory("vaecluster-program-").FullName;

    public string Run => In("run");

    public string In(string name) => Path.Combine(Root, name);

    /// <summary>A small model on a few generated shapes: a step takes well under a second.</summary>
    public string SmallConfig(string more = "") => Write("small.yaml", $$"""
        model: {preset: mnist}
        data: {source: "shapes:?count=64&size=28", size: 28, threads: 1}
        train: {batch: 16, slots: 4, steps: 3}
        {{more}}
        """);

    public string Write(string name, string text)
    {
        File.WriteAllText(In(name), text);
        return In(name);
    }

    /// <summary>Any command of the program, with the tests' cache.</summary>
    public static ProgramRun Start(params IReadOnlyList<string> args) => ProgramRun.Start(ProgramRun.ProgramPath, args, Surroundings);

    /// <summary>The program, to be watched and killed.</summary>
    public static System.Diagnostics.Process Launch(params IReadOnlyList<string> args) =>
        System.Diagnostics.Process.Start(ProgramRun.Describe(ProgramRun.ProgramPath, args, Surroundings))!;

    public ProgramRun Train(string config, params string[] more) =>
        ProgramRun.Start(ProgramRun.ProgramPath, ["train", "--config", config, "--run", Run, .. more], Surroundings);

    public ProgramRun TrainWith(Dictionary<string, string> environment, string config, params string[] more) => ProgramRun.Start(
        ProgramRun.ProgramPath, ["train", "--config", config, "--run", Run, .. more], new(environment.Concat(Surroundings)));

    public static ProgramRun Shell(string script) => ProgramRun.Shell(script, Surroundings);

    /// <summary>Nothing was begun: neither the folder nor a temporary one beside it.</summary>
    public void AssertNoRun() => Assert.DoesNotContain(Directory.EnumerateFileSystemEntries(Root), path => Path.GetFileName(path).StartsWith("run", StringComparison.Ordinal));

    public void Dispose() => Directory.Delete(Root, recursive: true);
}
