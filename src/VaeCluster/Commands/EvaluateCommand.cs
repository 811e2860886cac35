using System.CommandLine;
using VaeCluster.Applications;
using VaeCluster.Applications.Evaluation;
using VaeCluster.Config.Runs;
using VaeCluster.Progress;

namespace VaeCluster.Commands;

/// <summary>How good a trained model is on images, in figures.</summary>
internal static class EvaluateCommand
{
    private static readonly Option<int> Samples = new("--samples")
    {
        Description = "k of the importance-weighted bound on -log p(x).",
        HelpName = "k",
        DefaultValueFactory = _ => 16,
    };

    private static readonly Option<string?> Features = new("--features")
    {
        Description = "A model, ours or of diffusers, whose latents are the features of Frechet distances.",
        HelpName = "model",
    };

    private static readonly Option<bool> AsJson = new("--json") { Description = "Print the figures as JSON, their keys in snake_case." };

    public static Command Create()
    {
        var command = new ExampleCommand("evaluate", "Measure a trained model on images.",
            ("vaecluster evaluate runs/digits idx:mnist --split validation", "-ELBO, recon, KL, IW-NLL, bits/dim, PSNR, SSIM, MS-SSIM, active units"),
            ("vaecluster evaluate runs/digits idx:mnist --split validation --samples 500 --limit 1000", "a tighter bound, on less"),
            ("vaecluster evaluate runs/dogs dogs/ --features sd-vae --json", "Frechet distances too, in the latents of another model"))
        {
            ModelArguments.Model, ModelArguments.Images, Samples, Features, ModelArguments.Seed, AsJson,
        };
        foreach (var option in ModelArguments.OfModel.Concat(ModelArguments.OfImages)) command.Options.Add(option);
        command.SetAction(Evaluate);
        return command;
    }

    private static void Evaluate(ParseResult parsed)
    {
        using var interruption = new Interruption();
        var output = parsed.InvocationConfiguration.Output;
        using var model = ModelArguments.Open(parsed);
        using var images = model.Images(parsed.GetRequiredValue(ModelArguments.Images), ModelArguments.Inputs(parsed));
        using var features = parsed.GetValue(Features) is { } place
            ? new FeatureModel(AppliedModel.Open(new() { Place = place, Device = parsed.GetRequiredValue(ModelArguments.Device), Threads = parsed.GetValue(ModelArguments.Threads) }))
            : null;
        EvaluationReport? report = null;
        WorkView.Run(parsed.GetValue(AsJson) ? TextWriter.Null : output, "images", images.Count, progress => report = Evaluator.Run(model, images, features,
            parsed.GetValue(Samples), parsed.GetValue(ModelArguments.Seed), ModelArguments.BatchOf(parsed, model), progress, interruption.Token));
        ModelArguments.Report(parsed, images);
        if (parsed.GetValue(AsJson))
        {
            output.WriteLine(report!.ToJson().ToJsonString(RunSummary.Format));
            return;
        }
        output.WriteLine(report!.Model);
        foreach (var (name, value, note) in report.Rows()) output.WriteLine($"  {name,-13}{value,12}  {note}".TrimEnd());
    }
}
