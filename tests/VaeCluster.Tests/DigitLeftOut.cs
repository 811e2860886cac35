using System.Text.Json.Nodes;

namespace VaeCluster.Tests;

/// <summary>A VAE that has never seen one of the digits, and what each score says of that digit: a user's commands.</summary>
internal static class DigitLeftOut
{
    /// <param name="mnist">The folder of MNIST.</param>
    /// <param name="folder">To work in.</param>
    /// <param name="training">Training images at most.</param>
    /// <param name="scored">Test images, the digit among them.</param>
    /// <returns>AUROC of the digit by the name of the score.</returns>
    public static IReadOnlyDictionary<string, double> Measure(string mnist, string folder, int digit, int training, int epochs, int scored, int draws)
    {
        DigitFiles.Read(mnist, "train").Write(Path.Combine(folder, "normal"), "train", label => label != digit, training);
        DigitFiles.Read(mnist, "t10k").Write(Path.Combine(folder, "mixed"), "t10k", _ => true, scored);
        var config = Path.Combine(folder, "digits.yaml");
        File.WriteAllText(config, $$"""
            model: {preset: mnist}
            data: {source: "idx:{{folder}}/normal", split: {share: 1.0} }
            train: {batch: 128, slots: 1, epochs: {{epochs}}, seed: 7, validate_epochs: 0}
            """);
        Run("train", "--config", config, "--run", Path.Combine(folder, "run"));
        Run("score", Path.Combine(folder, "run"), $"idx:{folder}/mixed", "--anomalies", $"{digit}", "--threshold", "labels", "--samples", $"{draws}",
            "--top", "0", "--out", Path.Combine(folder, "scores"));
        var report = JsonNode.Parse(File.ReadAllText(Path.Combine(folder, "scores", "scores.json")))!;
        return report["auroc"]!.AsObject().ToDictionary(pair => pair.Key, pair => (double)pair.Value!);
    }

    private static void Run(params string[] args)
    {
        var run = ProgramRun.Of(args);
        if (run.ExitCode != 0) throw new InvalidOperationException($"vaecluster {args[0]} ended with {run.ExitCode}\n{run.Errors}\n{run.Output}");
    }
}
