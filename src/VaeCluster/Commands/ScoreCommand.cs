using System.CommandLine;
using System.Globalization;
using VaeCluster.Applications;
using VaeCluster.Applications.Scores;
using VaeCluster.Progress;

namespace VaeCluster.Commands;

/// <summary>How strange images are to a model.</summary>
internal static class ScoreCommand
{
    private static readonly Option<string> By = new("--by")
    {
        Description = "What images are ranked by; all are computed.",
        HelpName = "score",
        DefaultValueFactory = _ => ScoreReport.NameOf(ScoreKind.Likelihood),
    };

    private static readonly Option<int> Samples = new("--samples") { Description = "Draws of each image's latent, for the likelihoods.", HelpName = "k", DefaultValueFactory = _ => 16 };

    private static readonly Option<double> Quantile = new("--quantile")
    {
        Description = "The threshold: this share of the reference's images lies below it.",
        HelpName = "q",
        DefaultValueFactory = _ => 0.95,
    };

    private static readonly Option<string?> Reference = new("--reference")
    {
        Description = "Normal images that the quantile is of; without it the validation split of the run's own.",
        HelpName = "source",
    };

    private static readonly Option<int> ReferenceLimit = new("--reference-limit") { Description = "The first so many of them.", HelpName = "n", DefaultValueFactory = _ => 1000 };

    private static readonly Option<string> Threshold = new("--threshold")
    {
        Description = "quantile, or labels: where anomalies and normal images are told apart best.",
        HelpName = "from",
        DefaultValueFactory = _ => "quantile",
    };

    private static readonly Option<string[]> Anomalies = new("--anomalies") { Description = "Labels (folders, or IDX labels) that are anomalies: gives ROC and AUROC.", HelpName = "label" };

    private static readonly Option<string[]> Normal = new("--normal") { Description = "Labels that are none; all others are.", HelpName = "label" };

    private static readonly Option<int> Top = new("--top") { Description = "Images on the sheet of the most unusual ones.", HelpName = "n", DefaultValueFactory = _ => 24 };

    public static Command Create()
    {
        By.AcceptOnlyFromAmong([.. Enum.GetValues<ScoreKind>().Select(ScoreReport.NameOf)]);
        Threshold.AcceptOnlyFromAmong("quantile", "labels");
        var command = new ExampleCommand("score", "Find unusual images: reconstruction error, -ELBO, likelihood, and corrected for complexity.",
            ("vaecluster score runs/parts camera/today --out today", "scores.csv, scores.json, top.png; the threshold from the run's validation images"),
            ("vaecluster score runs/digits idx:PATH --split test --anomalies 3 --out threes", "with labels: ROC and AUROC of each score too"))
        {
            ModelArguments.Model, ModelArguments.Images, ModelArguments.Out, By, Samples, Quantile, Reference, ReferenceLimit, Threshold, Anomalies, Normal, Top, ModelArguments.Seed,
        };
        foreach (var option in ModelArguments.OfImages.Concat(ModelArguments.OfModel)) command.Add(option);
        command.SetAction(Score);
        return command;
    }

    private static void Score(ParseResult parsed)
    {
        using var interruption = new Interruption();
        var target = parsed.GetRequiredValue(ModelArguments.Out);
        OutputFolder.ThrowIfThere(target);
        using var model = ModelArguments.Open(parsed);
        using var images = model.Images(parsed.GetRequiredValue(ModelArguments.Images), ModelArguments.Inputs(parsed));
        var options = new ScoreOptions
        {
            By = Enum.GetValues<ScoreKind>().First(kind => ScoreReport.NameOf(kind) == parsed.GetRequiredValue(By)),
            Draws = parsed.GetValue(Samples),
            Quantile = parsed.GetValue(Quantile),
            Reference = parsed.GetValue(Reference),
            ReferenceLimit = parsed.GetValue(ReferenceLimit),
            ThresholdFromLabels = parsed.GetRequiredValue(Threshold) == "labels",
            Labels = LabelRule.Of(parsed.GetValue(Anomalies) ?? [], parsed.GetValue(Normal) ?? []),
            Batch = ModelArguments.BatchOf(parsed, model),
            Seed = parsed.GetValue(ModelArguments.Seed),
        };
        options.ThrowIfWrong(model);
        using var folder = OutputFolder.Create(target);
        using var reference = options.OpenReference(model);
        ScoreReport? report = null;
        var output = parsed.InvocationConfiguration.Output;
        WorkView.Run(output, "images", images.Count + (reference?.Images.Count ?? 0), progress => report = options.Run(model, images, reference, progress, interruption.Token));
        ModelArguments.Report(parsed, images);
        report!.Write(folder, images, parsed.GetValue(Top), interruption.Token);
        folder.Complete();
        Show(report, target, output);
    }

    private static void Show(ScoreReport report, string target, TextWriter output)
    {
        foreach (var (kind, curve) in report.Curves)
            output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"AUROC {curve.Area:F3}  {ScoreReport.NameOf(kind)}"));
        var threshold = report.Threshold switch
        {
            null => "no threshold: the run's images are not at hand; name normal ones with --reference",
            { Quantile: { } quantile } one => string.Create(CultureInfo.InvariantCulture, $"{report.Flagged:N0} of {report.Count:N0} above {one.Value:G5}, the {quantile} quantile of {one.Reference}"),
            { } one => string.Create(CultureInfo.InvariantCulture, $"{report.Flagged:N0} of {report.Count:N0} above {one.Value:G5}, where labels are told apart best"),
        };
        output.WriteLine($"{target}: by {ScoreReport.NameOf(report.By)}, {threshold}");
    }
}
