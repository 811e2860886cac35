using System.Collections;
using System.Diagnostics;

namespace VaeCluster.Tests;

/// <summary>The program as a process of its own, as a user starts it.</summary>
public sealed record ProgramRun(int ExitCode, string Output, string Errors)
{
    private static readonly TimeSpan Deadline = TimeSpan.FromMinutes(10);

    /// <summary>artifacts/bin/VaeCluster/CONFIGURATION, beside the tests' own folder.</summary>
    public static string BinFolder { get; } = Path.GetFullPath(Path.Combine(
        AppContext.BaseDirectory, "..", "..", "VaeCluster", Path.GetFileName(Path.TrimEndingDirectorySeparator(AppContext.BaseDirectory))));

    public static string ProgramPath { get; } = Path.Combine(BinFolder, "vaecluster");

    public static ProgramRun Of(params string[] args) => Start(ProgramPath, args);

    public static ProgramRun Shell(string script, Dictionary<string, string>? environment = null) =>
        Start("/bin/bash", ["-c", script], environment);

    public static ProgramRun Start(string program, IReadOnlyList<string> args, Dictionary<string, string>? environment = null)
    {
        using var process = Process.Start(Describe(program, args, environment))!;
        var output = process.StandardOutput.ReadToEndAsync();
        var errors = process.StandardError.ReadToEndAsync();
        if (!process.WaitForExit(Deadline))
        {
            process.Kill(entireProcessTree: true);
            Assert.Fail($"{program} {string.Join(' ', args)} did not end within {Deadline}");
        }
        return new ProgramRun(process.ExitCode, output.GetAwaiter().GetResult(), errors.GetAwaiter().GetResult());
    }

    public static ProcessStartInfo Describe(string program, IReadOnlyList<string> args, Dictionary<string, string>? environment = null)
    {
        var start = new ProcessStartInfo(program, args) { RedirectStandardOutput = true, RedirectStandardError = true };
        // The settings of whoever runs the tests are not part of them.
        foreach (var name in Environment.GetEnvironmentVariables().Cast<DictionaryEntry>().Select(entry => (string)entry.Key))
        {
            if (name.StartsWith("VAECLUSTER__", StringComparison.OrdinalIgnoreCase)) start.Environment.Remove(name);
        }
        start.Environment.Remove("NO_COLOR");
        start.Environment["VAECLUSTER_PROGRAM"] = ProgramPath;
        foreach (var (name, value) in environment ?? []) start.Environment[name] = value;
        return start;
    }

    /// <summary>Exit 2, a sentence on stderr that says all of this, no stack trace, nothing on stdout.</summary>
    public void AssertUserError(params string[] expected)
    {
        Assert.True(ExitCode == 2, $"exit {ExitCode}\n{Errors}\n{Output}");
        foreach (var part in expected) Assert.Contains(part, Errors, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", Errors, StringComparison.Ordinal);
    }

    public ProgramRun AssertSuccess()
    {
        Assert.True(ExitCode == 0, $"exit {ExitCode}\n{Errors}\n{Output}");
        return this;
    }
}
