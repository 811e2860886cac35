using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using VaeCluster.Applications.Interchange;
using VaeCluster.Checkpoints;
using VaeCluster.Config.Runs;

namespace VaeCluster.Commands;

/// <summary>What a run folder or one checkpoint holds, for people or as JSON.</summary>
internal static class InspectCommand
{
    public static Command Create()
    {
        var folder = new Argument<string>("dir") { Description = "The run folder, or the folder of a checkpoint." };
        var json = new Option<bool>("--json") { Description = "Print the summary as JSON, its keys in snake_case." };
        var command = new ExampleCommand("inspect", "Show what a run has come to.",
            ("vaecluster inspect runs/shapes", "step, losses, rate and hash of a run"),
            ("vaecluster inspect runs/shapes/checkpoints/step-000000001200", "position, hashes and files of a checkpoint"),
            ("vaecluster inspect runs/shapes --json | jq .weights_sha256", "one value of it"))
        {
            folder, json,
        };
        command.SetAction(parsed =>
        {
            var (path, output) = (Path.TrimEndingDirectorySeparator(parsed.GetRequiredValue(folder)), parsed.InvocationConfiguration.Output);
            if (File.Exists(Path.Combine(path, CheckpointRecord.FileName))) ShowCheckpoint(path, parsed.GetValue(json), output);
            else Show(path, parsed.GetValue(json), output);
        });
        return command;
    }

    private static void ShowCheckpoint(string path, bool json, TextWriter output)
    {
        var full = Path.GetFullPath(path);
        using var place = CheckpointPlace.Open(Path.GetDirectoryName(full)!);
        var (entries, latest) = place.ListAsync(CancellationToken.None).GetAwaiter().GetResult();
        var entry = entries.FirstOrDefault(entry => entry.Name == Path.GetFileName(full))
            ?? throw new UserErrorException($"{path}: is not the folder of a checkpoint: it would be named {CheckpointName.Of(60)}.");
        if (entry.Record is not { } record) throw new UserErrorException($"{place.Storage.Location}: {entry.Problem}.");
        var description = CheckpointPlace.Describe(entry, latest);
        if (json)
        {
            description["files"] = JsonSerializer.SerializeToNode(record.Files, RunSummary.Format);
            description["config_yaml"] = record.Metadata.ConfigYaml;
            output.WriteLine(description.ToJsonString(RunSummary.Format));
            return;
        }
        foreach (var (name, value) in description.Where(pair => pair.Value is not null)) output.WriteLine($"{name.Replace('_', ' '),-17}{value}");
        foreach (var file in record.Files) output.WriteLine($"{file.Name,-24}{file.Bytes,15:N0} bytes  sha256 {file.Sha256}");
    }

    private static void Show(string path, bool json, TextWriter output)
    {
        using var folder = RunFolder.Open(path);
        var summary = folder.ReadSummary() ?? RunSummary.FromMetrics(folder.ReadConfig(), folder.ReadMetrics());
        if (json)
        {
            output.WriteLine(summary.ToJson());
            return;
        }

        Row("run", folder.Path);
        Row("preset", (string?)summary.Config?["model"]?["preset"]);
        Row("step", $"{summary.Step}{(summary.TotalSteps is { } total ? $" of {total}" : "")}, {(summary.Finished ? "finished" : "not finished")}");
        Row("epoch", Number(summary.Epoch, "0"));
        Row("last step", Losses(summary.Loss, summary.Recon, summary.Kl, summary.Psnr));
        if (summary.Validation is { } validation)
        {
            Row("validation", Losses(Real("loss"), Real("recon"), Real("kl"), Real("psnr")));
            Row("active units", validation["active_units"]?.ToString());
            double? Real(string name) => validation[name]?.Deserialize<double>(RunSummary.Format);
        }
        Row("images/s", Number(summary.ImagesPerSecondMedian, "F1"));
        Row("parameters", Number(summary.Parameters, "N0"));
        Row("skipped steps", Number(summary.SkippedSteps, "0"));
        Row("weights", summary.WeightsSha256 is null ? null : $"sha256 {summary.WeightsSha256}");
        Row("fingerprint", summary.Fingerprint);

        void Row(string name, string? value)
        {
            if (!string.IsNullOrEmpty(value)) output.WriteLine($"{name,-15}{value}");
        }
    }

    private static string? Losses(double? loss, double? recon, double? kl, double? psnr) => loss is null ? null
        : $"loss {Number(loss, "G6")} an image (recon {Number(recon, "G6")}, KL {Number(kl, "G6")}), PSNR {Number(psnr, "F2")} dB";

    private static string? Number(IFormattable? value, string format) => value?.ToString(format, CultureInfo.InvariantCulture);
}
