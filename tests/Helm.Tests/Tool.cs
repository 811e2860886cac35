using System.Diagnostics;

namespace Helm.Tests;

/// <summary>What a tool said and how it ended.</summary>
internal sealed record Said(int ExitCode, string Output, string Errors)
{
    public string All => Output + Errors;
}

/// <summary>Programs that the chart and the rules are checked with. A test is skipped where one can't be had.</summary>
internal static class Tool
{
    private static readonly TimeSpan Deadline = TimeSpan.FromMinutes(2);

    public static string Root { get; } = FindRoot();

    public static string Chart { get; } = Path.Combine(Root, "helm/vae-train");

    /// <summary>helm3 and helm4.</summary>
    public static Said Helm(string version, params string[] arguments) => Run(
        Find(Path.Combine(Root, "artifacts/tools/k8s", version), $"{version} is not there: eng/k8s-tools.sh fetches it"), arguments);

    public static Said Promtool(params string[] arguments) => Run(
        Find(OnPath("promtool"), "promtool is not there: apt-get install prometheus"), arguments);

    public static Said Python(params string[] arguments) => Run(Find(OnPath("python3"), "python3 is not there"), arguments);

    /// <summary>The file as Compose resolves it, with a token or without.</summary>
    public static Said Compose(string file, string? token) => Run(
        Find(OnPath("docker-compose"), "docker-compose is not there: apt-get install docker-compose"),
        ["-f", file, "--project-directory", Path.Combine(Root, "deploy"), "config"], ("VAECLUSTER_TOKEN", token));

    private static string Find(string? path, string otherwise)
    {
        Assert.SkipUnless(path is not null && File.Exists(path), otherwise);
        return path!;
    }

    private static string? OnPath(string name) => (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':')
        .Select(folder => Path.Combine(folder, name)).FirstOrDefault(File.Exists);

    private static Said Run(string program, string[] arguments, params (string Name, string? Value)[] environment)
    {
        var start = new ProcessStartInfo(program) { RedirectStandardOutput = true, RedirectStandardError = true, WorkingDirectory = Root };
        foreach (var argument in arguments) start.ArgumentList.Add(argument);
        // No cluster: templates are rendered for the versions that they are told.
        start.Environment["KUBECONFIG"] = "/nonexistent";
        foreach (var (name, value) in environment) start.Environment[name] = value;
        using var process = Process.Start(start)!;
        var (output, errors) = (process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
        if (!process.WaitForExit(Deadline))
        {
            process.Kill();
            Assert.Fail($"{program} {string.Join(' ', arguments)} did not end within {Deadline}.");
        }
        return new(process.ExitCode, output.GetAwaiter().GetResult(), errors.GetAwaiter().GetResult());
    }

    private static string FindRoot()
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (File.Exists(Path.Combine(folder.FullName, "VaeCluster.sln"))) return folder.FullName;
        }
        throw new InvalidOperationException($"No folder with VaeCluster.sln above {AppContext.BaseDirectory}.");
    }
}
