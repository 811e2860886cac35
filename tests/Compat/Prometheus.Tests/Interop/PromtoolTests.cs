using System.Diagnostics;

namespace Prometheus.Tests;

public sealed class PromtoolTests
{
    private const string Program = "/usr/bin/promtool";
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(60);

    [Fact]
    public async Task CheckMetrics_OfAllTypesAndTheProcess_FindsNothing()
    {
        var registry = Metrics.NewCustomRegistry();
        var factory = Metrics.WithCustomRegistry(registry);
        factory.CreateCounter("steps_total", "Steps done.", "worker").WithLabels("w\\0\n\"").Inc(1.5);
        factory.CreateGauge("queue_length", "Samples that wait.").Set(double.NaN);
        factory.CreateHistogram("step_seconds", "Duration of a step.", "phase").WithLabels("forward").Observe(0.3);

        var (exitCode, output) = await CheckAsync(await registry.ExportAsync() + await Metrics.DefaultRegistry.ExportAsync());

        Assert.Equal("", output);
        Assert.Equal(0, exitCode);
    }

    [Fact]
    public async Task CheckMetrics_OfABrokenText_FindsIt() // so that finding nothing means something
    {
        var (exitCode, output) = await CheckAsync("# HELP a A.\n# TYPE a gauge\na{b=\"not closed} 1\n");

        Assert.NotEqual(0, exitCode);
        Assert.NotEqual("", output);
    }

    private static async Task<(int ExitCode, string Output)> CheckAsync(string text)
    {
        Assert.SkipUnless(File.Exists(Program), $"no {Program}: eng/setup.sh test installs it");
        using var promtool = Process.Start(new ProcessStartInfo(Program, ["check", "metrics"])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        })!;
        try
        {
            var (output, errors) = (promtool.StandardOutput.ReadToEndAsync(), promtool.StandardError.ReadToEndAsync());
            await promtool.StandardInput.WriteAsync(text);
            promtool.StandardInput.Close();
            await promtool.WaitForExitAsync().WaitAsync(Deadline, TestContext.Current.CancellationToken);
            return (promtool.ExitCode, await output.WaitAsync(Deadline) + await errors.WaitAsync(Deadline));
        }
        finally
        {
            if (!promtool.HasExited) promtool.Kill();
        }
    }
}
