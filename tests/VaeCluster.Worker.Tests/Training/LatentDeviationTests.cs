using VaeCluster.Models;
using VaeCluster.Worker.Training;
using static TorchSharp.torch;

namespace VaeCluster.Worker.Tests.Training;

public sealed class LatentDeviationTests
{
    [Fact]
    public void LatentDeviation_OfAllImages_IsThatOfDrawnLatents()
    {
        using var training = new LocalTraining(Runs.Config("tiny"));
        for (var step = 0; step < 3; step++) training.RunStep(CancellationToken.None);
        var measured = training.LatentDeviation(long.MaxValue, CancellationToken.None);

        using var scope = NewDisposeScope();
        using var _ = no_grad();
        training.Images.Aim(0, 8, 0, training.StepsPerEpoch);
        training.State.Model.eval();
        var drawn = new List<Tensor>();
        for (var step = 0L; step < training.StepsPerEpoch; step++)
        {
            for (var slot = 0; slot < 8; slot++)
            {
                using var batch = training.Images.Take(step, slot, CancellationToken.None);
                var (mean, logVariance) = training.State.Model.Encode(training.Computation.Images(batch));
                drawn.Add(ImageAutoencoder.Sample(mean, logVariance, randn_like(mean)).flatten());
            }
        }
        var expected = cat(drawn.ToArray(), 0).std().item<float>();
        Assert.Equal(expected, measured, expected * 0.02);
    }
}
