using System.Diagnostics;

namespace VaeCluster.Applications.Tests;

/// <summary>Debian's Python with its torch and scikit-image: the other implementation.</summary>
internal static class Python
{
    /// <summary>What a script of the tests prints, as lines.</summary>
    public static IReadOnlyList<string> Run(string script, params string[] arguments)
    {
        var start = new ProcessStartInfo("/usr/bin/python3", ["-B", Path.Combine(AppContext.BaseDirectory, script), .. arguments])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        start.Environment["OMP_NUM_THREADS"] = "1";
        using var process = Process.Start(start)!;
        var errors = process.StandardError.ReadToEndAsync();
        var output = process.StandardOutput.ReadToEndAsync();
        if (!process.WaitForExit(TimeSpan.FromMinutes(2)))
        {
            process.Kill(entireProcessTree: true);
            Assert.Fail($"{script} did not end within two minutes");
        }
        var (said, complaints) = (output.GetAwaiter().GetResult(), errors.GetAwaiter().GetResult());
        Assert.True(process.ExitCode == 0, $"{script}: exit {process.ExitCode}\n{complaints}");
        return said.Split('\n', StringSplitOptions.RemoveEmptyEntries);
    }
}
