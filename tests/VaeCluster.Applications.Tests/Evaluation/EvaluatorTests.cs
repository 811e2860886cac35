using TorchSharp;
using VaeCluster.Applications.Evaluation;
using VaeCluster.Applications.Likelihoods;

namespace VaeCluster.Applications.Tests.Evaluation;

public sealed class EvaluatorTests(TinyModel models) : IClassFixture<TinyModel>
{
    [Fact]
    public void Run_DiscreteLikelihood_HasEveryMeasureWhateverTheBatch()
    {
        for (var i = 1; i <= 6; i++) models.Image($"digits/{i}.png", seed: i);
        using var features = new FeatureModel(TinyModel.Open(models.Colour));
        var report = Evaluate(models.Digits, "digits", 4, features);
        Assert.Equal(6, report.Images);
        Assert.True(report.ImportanceWeighted < report.NegativeElbo);
        Assert.Equal(report.NegativeElbo!.Value, report.Recon + report.Kl!.Value, 1e-6); // Bernoulli: recon is -log p(x|z)
        Assert.Equal(report.ImportanceWeighted!.Value / (784 * Math.Log(2)), report.BitsPerDimension!.Value, 1e-9);
        Assert.Equal((2, 32), (report.Scales, report.Units));
        Assert.True(report.FrechetOfReconstructions > 0 && report.FrechetOfSamples > 0);
        var again = Evaluate(models.Digits, "digits", 5, features);
        Assert.Equal(report.NegativeElbo!.Value, again.NegativeElbo!.Value, 1e-3);
        Assert.Equal(report.FrechetOfSamples!.Value, again.FrechetOfSamples!.Value, 1e-3);
    }

    [Fact]
    public void Run_DensityOverPixels_HasNoBits()
    {
        for (var i = 1; i <= 3; i++) models.Image($"colours/{i}.png", 16, 16, 3, i);
        var report = Evaluate(models.Colour, "colours", 2, null);
        Assert.Null(report.BitsPerDimension);
        Assert.Null(report.FrechetOfSamples);
        Assert.StartsWith("Gaussian, variance 0.05", report.Likelihood, StringComparison.Ordinal);
        Assert.DoesNotContain("bits/dim", report.Rows().Select(row => row.Name));
    }

    [Fact]
    public void DistanceTo_OfGaussians_IsTheClosedForm()
    {
        using var scope = torch.NewDisposeScope();
        using var generator = new torch.Generator(3);
        var a = torch.randn(400, 5, generator: generator).to(torch.ScalarType.Float64);
        using FeatureStatistics one = new(), two = new(), same = new();
        one.Add(a.narrow(0, 0, 100));
        one.Add(a.narrow(0, 100, 300));
        two.Add(a * 3 + 2);
        same.Add(a);
        Assert.Equal(0, one.DistanceTo(same), 1e-8);
        // Covariances C and 9 C: tr(C + 9 C - 6 C) = 4 tr C; the means are 2 m + 2 apart.
        var centred = a - a.mean([0L]);
        var expected = 4 * (centred.square().sum() / 399).item<double>() + (a.mean([0L]) * 2 + 2).square().sum().item<double>();
        Assert.Equal(expected, one.DistanceTo(two), 1e-6);
    }

    private EvaluationReport Evaluate(string file, string folder, int batch, FeatureModel? features)
    {
        using var model = TinyModel.Open(file);
        Assert.Null(Likelihood.ReasonForNone(model));
        using var inputs = model.Images([models.In(folder)]);
        return Evaluator.Run(model, inputs, features, draws: 8, seed: 3, batch, new Nowhere(), TestContext.Current.CancellationToken);
    }
}
