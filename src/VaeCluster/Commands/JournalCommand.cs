using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using VaeCluster.Config.Runs;
using VaeCluster.Coordinator.Runs;
using VaeCluster.Data;
using VaeCluster.Data.Manifests;
using VaeCluster.Data.Order;

namespace VaeCluster.Commands;

/// <summary>Checks what a coordinator wrote down of a run: every step there, every sample exactly once in each epoch.</summary>
internal static class JournalCommand
{
    public static Command Create() => new ExampleCommand("journal", "Check the journal of a run.",
        ("vaecluster journal verify runs/digits", "that no step is missing and each sample was used once an epoch"))
    {
        CreateVerify(),
    };

    private static ExampleCommand CreateVerify()
    {
        var folder = new Argument<string>("dir") { Description = "The run folder." };
        var json = new Option<bool>("--json") { Description = "Print the findings as JSON, the keys in snake_case." };
        var command = new ExampleCommand("verify", "Check a run's journal against its configuration and manifest: exit code 0 where it is good, 1 with the mistakes.",
            ("vaecluster journal verify runs/digits", "steps, epochs, coordinators, and every mistake"),
            ("vaecluster journal verify runs/digits --json | jq .mistakes", "the mistakes alone"))
        {
            folder, json,
        };
        command.SetAction(parsed => Verify(parsed.GetRequiredValue(folder), parsed.GetValue(json), parsed.InvocationConfiguration.Output));
        return command;
    }

    private static int Verify(string path, bool json, TextWriter output)
    {
        using var folder = RunFolder.Open(path);
        if (!Directory.Exists(folder.JournalPath))
            throw new UserErrorException($"{path}: there is no {RunFolder.JournalName} in it. A coordinator writes one; a run in one process has none.");
        var (order, origin) = OrderOf(folder);
        var report = JournalVerifier.Verify(folder.JournalPath, order);
        if (json) output.WriteLine(JsonSerializer.Serialize(
            new { report.Steps, report.FirstStep, report.Epochs, report.Redone, report.Terms, order.Samples, order.Slots, report.Mistakes }, RunSummary.Format));
        else Show(folder, order, origin, report, output);
        return report.Mistakes.Count == 0 ? ExitCodes.Success : ExitCodes.Mistakes;
    }

    /// <summary>Which samples each step has to have, and where the number of samples is from.</summary>
    private static (StepSamples Order, string Origin) OrderOf(RunFolder folder)
    {
        var config = folder.ReadConfig();
        using var listed = File.Exists(folder.ManifestPath) ? null : DataSet.Open(config.Data);
        using var kept = listed is null ? Manifest.Load(folder.ManifestPath) : null;
        return (config.OrderOf(kept ?? listed!.Manifest), kept is null ? $"as {config.Data.Source} has them now" : RunFolder.ManifestName);
    }

    private static void Show(RunFolder folder, StepSamples order, string origin, JournalReport report, TextWriter output)
    {
        Row("run", folder.Path);
        Row("samples", $"{Number(order.Samples)} to train with ({origin}), {Number(order.Batch)} a step in {order.Slots} slots");
        Row("steps", report.Steps == 0 ? "none" : $"{Number(report.FirstStep)} to {Number(report.FirstStep + report.Steps - 1)}, {Number(report.Redone)} done again");
        Row("epochs", $"{Number(report.Epochs)} whole");
        Row("coordinators", Number(report.Terms));
        Row("result", report.Mistakes.Count switch
        {
            0 => "good: no step is missing, each sample was used exactly once in each whole epoch",
            1 => "1 mistake",
            var count => $"{count} mistakes",
        });
        foreach (var mistake in report.Mistakes) output.WriteLine($"  {DisplayName.Of(mistake)}");

        void Row(string name, string value) => output.WriteLine($"{name,-15}{value}");
    }

    private static string Number(IFormattable value) => value.ToString("N0", CultureInfo.InvariantCulture);
}
