using VaeCluster.Models.Objectives;
using static TorchSharp.torch;

namespace VaeCluster.Models.Tests.Objectives;

/// <summary>On an autoencoder whose moments and pictures are given, so that each sum can be written down.</summary>
[Collection(OneThread.Name)]
public class ObjectiveTests
{
    [Fact]
    public void Evaluate_Squared_SumsOverPixelsAndSamples()
    {
        using var model = new GivenAutoencoder(mean: 0, logVariance: 0, decoded: 0.5f);

        // Two samples of four pixels, each 0.5 away.
        Assert.Equal(new LossSums(2, Recon: 2, Kl: 0, SquaredError: 2, Total: 2), Evaluate(model, new() { Recon = Recon.Squared }, images: 1));
    }

    [Fact]
    public void Evaluate_L1_KeepsSquaredErrorForPsnr()
    {
        using var model = new GivenAutoencoder(mean: 0, logVariance: 0, decoded: 0.5f);

        Assert.Equal(new LossSums(2, Recon: 4, Kl: 0, SquaredError: 2, Total: 4), Evaluate(model, new() { Recon = Recon.L1 }, images: 1));
    }

    [Fact]
    public void Evaluate_BceOnGreyPixels_HasTheirEntropyAsFloor()
    {
        using var model = new GivenAutoencoder(mean: 0, logVariance: 0, decoded: 0, logits: true);

        var sums = Evaluate(model, new() { Recon = Recon.Bce }, images: 0.5f);

        // A logit of 0 is a grey of 0.5: right, and still ln 2 a pixel.
        Assert.Equal(8 * Math.Log(2), sums.Recon, 1e-5);
        Assert.Equal(0, sums.SquaredError);
    }

    [Fact]
    public void Evaluate_SquaredOnLogits_ComparesPixels()
    {
        using var model = new GivenAutoencoder(mean: 0, logVariance: 0, decoded: 0, logits: true);

        Assert.Equal(2, Evaluate(model, new() { Recon = Recon.Squared }, images: 1).Recon, 1e-6);
    }

    [Fact]
    public void Objective_BceOnAModelWithoutLogits_SaysWhatToTake()
    {
        using var model = new GivenAutoencoder(mean: 0, logVariance: 0, decoded: 0);

        var error = Assert.Throws<UserErrorException>(() => new Objective(model, new() { Recon = Recon.Bce }));

        Assert.Contains("squared", error.Message);
    }

    [Theory]
    [InlineData(1f, 0f)]
    [InlineData(0f, 1f)]
    [InlineData(-0.5f, -2f)]
    public void Evaluate_Kl_IsThatOfTheMoments(float mean, float logVariance)
    {
        using var model = new GivenAutoencoder(mean, logVariance, decoded: 0);
        var each = 0.5 * (mean * mean + Math.Exp(logVariance) - 1 - logVariance);

        var sums = Evaluate(model, new() { Recon = Recon.Squared }, images: 0, beta: 3);

        // Two samples of three latents.
        Assert.Equal(6 * each, sums.Kl, 1e-5);
        Assert.Equal(18 * each, sums.Total, 1e-4);
    }

    [Fact]
    public void Evaluate_FreeBits_ChargeNoLessThanThemAndReportTheTruth()
    {
        using var model = new GivenAutoencoder(mean: 1, logVariance: 0, decoded: 0);

        var below = Evaluate(model, new() { FreeBits = 2 }, images: 0);
        var above = Evaluate(model, new() { FreeBits = 0.1 }, images: 0);

        Assert.Equal((3, 12), (below.Kl, below.Total));
        Assert.Equal((3, 3), (above.Kl, above.Total));
    }

    [Theory]
    [InlineData(100f, 20)]
    [InlineData(-100f, -30)]
    public void Encode_ExtremeLogVariance_IsClamped(float given, double expected)
    {
        using var model = new GivenAutoencoder(mean: 0, given, decoded: 0);
        using var scope = NewDisposeScope();

        var (_, logVariance) = model.Encode(zeros(model.InputShape.Batch(1)));

        Assert.Equal(expected, logVariance!.max().item<float>());
    }

    [Fact]
    public void Evaluate_InMicroBatches_AddsUpToTheWhole()
    {
        using var scope = NewDisposeScope();
        manual_seed(3);
        using var model = ImageAutoencoder.Create(ModelOptions.Of("tiny"));
        var objective = new Objective(model, new() { FreeBits = 0.02 });
        var (images, noise) = (rand(model.InputShape.Batch(6)), randn(model.LatentShape.Batch(6)));

        var whole = objective.Evaluate(images, noise, beta: 0.5).Read();
        var parts = new[] { (0, 1), (1, 3), (4, 2) }
            .Select(part => objective.Evaluate(images.narrow(0, part.Item1, part.Item2), noise.narrow(0, part.Item1, part.Item2), beta: 0.5).Read())
            .Aggregate((sum, next) => sum + next);

        Assert.Equal(6, parts.Samples);
        foreach (var (sum, expected) in new[] { (parts.Recon, whole.Recon), (parts.Kl, whole.Kl), (parts.Total, whole.Total) })
            Assert.Equal(expected, sum, Math.Abs(expected) * 1e-5);
    }

    [Theory]
    [InlineData(0, 100, 0)]
    [InlineData(25, 100, 0.5)]
    [InlineData(100, 100, 2)]
    [InlineData(1_000_000, 100, 2)]
    [InlineData(0, 0, 2)]
    public void BetaAt_Step_RisesLinearlyAndStays(long step, long warmup, double expected) =>
        Assert.Equal(expected, new ObjectiveOptions { Beta = 2, BetaWarmup = warmup }.BetaAt(step), 1e-12);

    private static LossSums Evaluate(GivenAutoencoder model, ObjectiveOptions options, float images, double beta = 1)
    {
        using var scope = NewDisposeScope();
        var given = full(model.InputShape.Batch(2), images);
        using var terms = new Objective(model, options).Evaluate(given, randn(model.LatentShape.Batch(2)), beta);
        return terms.Read();
    }

    /// <summary>Moments and pictures that depend on nothing.</summary>
    private sealed class GivenAutoencoder(float mean, float logVariance, float decoded, bool logits = false)
        : ImageAutoencoder("Given", new(1, 2, 2), new(3, 1, 1), variational: true)
    {
        public override bool DecodesToLogits => logits;

        public override long ForwardFlops => 0;

        protected override (Tensor Mean, Tensor? LogVariance) Moments(Tensor images)
        {
            var shape = LatentShape.Batch(images.shape[0]);
            return (full(shape, mean), full(shape, logVariance));
        }

        protected override Tensor Reconstruct(Tensor latents) => full(InputShape.Batch(latents.shape[0]), decoded);
    }
}
