using System.Globalization;
using System.Runtime.InteropServices;
using TorchSharp;
using VaeCluster.Applications.Likelihoods;
using VaeCluster.Data.Order;

namespace VaeCluster.Applications.Tests.Likelihoods;

public sealed class ImageLikelihoodsTests(TinyModel models) : IClassFixture<TinyModel>
{
    private const long Seed = 11;

    [Theory]
    [InlineData("mnist", 1, 28)]
    [InlineData("tiny", 3, 16)]
    public void Of_Images_AgreesWithTorchDistributions(string preset, int channels, int size)
    {
        const int draws = 7;
        using var model = TinyModel.Open(preset == "mnist" ? models.Digits : models.Colour);
        var (ours, pixels) = Compute(model, draws, channels, size);
        File.WriteAllBytes(models.In(preset), MemoryMarshal.AsBytes<float>(pixels).ToArray());
        var keys = string.Join(':', Enumerable.Range(0, ours.Count).Select(image =>
            string.Join(',', Enumerable.Range(0, draws).Select(draw => (long)Mixing.Key(Purpose.Latents, Seed, (ulong)image, (ulong)draw)))));
        var lines = Python.Run("likelihoods.py", preset, preset == "mnist" ? models.Digits : models.Colour, models.In(preset),
            model.Objective.Beta.ToString(CultureInfo.InvariantCulture), draws.ToString(CultureInfo.InvariantCulture), keys);
        Assert.Equal(ours.Count, lines.Count);
        foreach (var (line, own) in lines.Zip(ours))
        {
            var theirs = line.Split(' ').Select(text => double.Parse(text, CultureInfo.InvariantCulture)).ToArray();
            foreach (var (expected, actual) in theirs.Zip(new[] { own.Recon, own.Kl, own.NegativeElbo, own.ImportanceWeighted }))
                Assert.InRange(Math.Abs(actual - expected) / Math.Max(1, Math.Abs(expected)), 0, 1e-4);
        }
    }

    [Fact]
    public void Of_MoreDraws_IsBelowTheElboAndFalls()
    {
        using var model = TinyModel.Open(models.Digits);
        // One draw tells little: what holds in expectation holds for a mean over many.
        var one = Enumerable.Range(100, 60).SelectMany(seed => Compute(model, 1, 1, 28, seed).Likelihoods);
        var many = Compute(model, 64, 1, 28).Likelihoods;
        Assert.True(many.Average(image => image.ImportanceWeighted) < one.Average(image => image.ImportanceWeighted));
        foreach (var image in many) Assert.True(image.ImportanceWeighted < image.NegativeElbo, $"{image}");
        var again = Compute(model, 64, 1, 28).Likelihoods;
        Assert.Equal(many, again);
    }

    private (IReadOnlyList<ImageLikelihood> Likelihoods, float[] Pixels) Compute(AppliedModel model, int draws, int channels, int size, long seed = Seed)
    {
        using var scope = torch.NewDisposeScope();
        using var inputs = model.Images([.. Enumerable.Range(1, 3).Select(seed => models.Image($"{size}-{seed}.png", size, size, channels, seed))]);
        var batch = inputs.ReadAll(TestContext.Current.CancellationToken);
        var images = model.ToTensor(batch);
        var (mean, logVariance) = model.Encode(images);
        using var likelihoods = new ImageLikelihoods(model, draws, seed);
        return (likelihoods.Of(batch.Images, images, mean, logVariance!), batch.Pixels);
    }
}
