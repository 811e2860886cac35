using System.Text.Json.Nodes;
using VaeCluster.Applications.Scores;
using VaeCluster.Data.Inputs;

namespace VaeCluster.Applications.Tests.Scores;

public sealed class ScoringTests(TinyModel models) : IClassFixture<TinyModel>
{
    [Fact]
    public void Write_LabelledImages_RanksThemAndHoldsThemAgainstBothThresholds()
    {
        using var model = TinyModel.Open(models.Digits);
        var folder = Folder("ranked", 6);
        using var images = model.Images([folder]);
        var options = new ScoreOptions { Batch = 4, Draws = 2, By = ScoreKind.Elbo, Labels = LabelRule.Of(["strange"], []), Reference = folder, Quantile = 0.5 };
        using var reference = options.OpenReference(model);

        var report = options.Run(model, images, reference, new Nowhere(), TestContext.Current.CancellationToken);
        using var output = OutputFolder.Create(models.In("scores"));
        report.Write(output, images, top: 3, TestContext.Current.CancellationToken);
        output.Complete();

        Assert.Equal(6, report.Flagged); // half of what the quantile is of
        var rows = File.ReadAllLines(models.In("scores/scores.csv"));
        Assert.Equal(13, rows.Length);
        var elbos = rows.Skip(1).Select(row => double.Parse(row.Split(',')[6], System.Globalization.CultureInfo.InvariantCulture)).ToList();
        Assert.Equal(elbos.OrderDescending(), elbos);
        var json = JsonNode.Parse(File.ReadAllText(models.In("scores/scores.json")))!;
        Assert.Equal(report.Curves.Single(curve => curve.Kind == ScoreKind.Elbo).Curve.Area, (double)json["auroc"]!["elbo"]!);
        Assert.True(File.Exists(models.In("scores/roc.png")) && File.Exists(models.In("scores/top.png")));

        var fromLabels = (options with { ThresholdFromLabels = true }).Run(model, images, null, new Nowhere(), TestContext.Current.CancellationToken);
        var best = fromLabels.Curves.Single(curve => curve.Kind == ScoreKind.Elbo).Curve.Best;
        Assert.Equal((int)Math.Round(6 * (best.TruePositiveRate + best.FalsePositiveRate)), fromLabels.Flagged);
    }

    [Fact]
    public void Score_AnotherBatch_GivesTheSameScores()
    {
        using var model = TinyModel.Open(models.Colour);
        using var images = model.Images([Folder("batches", 5)]);
        foreach (var (a, b) in Score(model, images, draws: 3, batch: 10).Zip(Score(model, images, draws: 3, batch: 3)))
        {
            Assert.Equal(a.Image, b.Image);
            Assert.All(Enum.GetValues<ScoreKind>(), kind => Assert.Equal(1, a.Scores[kind] / b.Scores[kind], 4));
        }
    }

    [Fact]
    public void LabelRule_WhatNoImageHas_IsNamed()
    {
        using var model = TinyModel.Open(models.Digits);
        using var images = model.Images([Folder("labels", 2)]);
        var scored = Score(model, images, draws: 1, batch: 4);
        Assert.Contains("No image has the label odd; there are plain, strange.", Assert.Throws<UserErrorException>(() => LabelRule.Of(["odd"], [])!.Apply(scored)).Message, StringComparison.Ordinal);
        Assert.Equal(LabelRule.Of(["strange"], [])!.Apply(scored), LabelRule.Of([], ["plain"])!.Apply(scored));
        Assert.Throws<UserErrorException>(() => LabelRule.Of(["strange"], ["plain"]));
    }

    private static List<ScoredImage> Score(AppliedModel model, ImageInputs images, int draws, int batch)
    {
        using var scorer = new ImageScorer(model, draws, seed: 1);
        return [.. scorer.Score(images, batch, TestContext.Current.CancellationToken)];
    }

    private string Folder(string name, int each)
    {
        for (var i = 0; i < each; i++)
        {
            Directory.CreateDirectory(models.In($"{name}/plain"));
            Directory.CreateDirectory(models.In($"{name}/strange"));
            models.Image($"{name}/plain/{i}.png", seed: i);
            models.Image($"{name}/strange/{i}.png", seed: 50 + 7 * i);
        }
        return models.In(name);
    }
}
