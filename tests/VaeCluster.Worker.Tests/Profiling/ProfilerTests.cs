using VaeCluster.Config;
using VaeCluster.Worker.Profiling;
using VaeCluster.Worker.Training;

namespace VaeCluster.Worker.Tests.Profiling;

public sealed class ProfilerTests
{
    [Fact]
    public void Measure_ATinyModel_TellsItsStepsAndWhatWasTried()
    {
        List<string> said = [];
        var profile = Profiler.Measure(Tiny(steps: 100), TimeSpan.FromMilliseconds(50), said.Add, TestContext.Current.CancellationToken);

        var steps = profile.Steps;
        Assert.True(steps.Steps >= 3);
        Assert.All(new[] { steps.Forward, steps.Backward, steps.Update, steps.ImagesPerSecond, steps.FlopsPerSecond, profile.PeakFlopsPerSecond }, value => Assert.True(value > 0));
        // Parts of one step, by one clock: they can't be more than all of it.
        Assert.InRange(steps.Data + steps.Forward + steps.Backward + steps.Update, steps.Step / 2, steps.Step * 1.001);
        Assert.Equal(["train.slots=2", "train.slots=8", "train.precision=bf16"], profile.Probes.Select(probe => probe.Setting));
        Assert.All(profile.Probes, probe => Assert.InRange(probe.Gain, 0.01, 100));
        Assert.Equal(["the configuration as it is", "the machine", .. profile.Probes.Select(probe => probe.Setting)], said);
        Assert.True(profile.ProcessBytes > profile.ModelBytes);
    }

    [Theory]
    [InlineData("fp32")]
    [InlineData("bf16")]
    public void MeasureLayers_ATinyModel_TellsEachOne(string precision)
    {
        var config = Tiny(steps: 100)([$"train.precision={precision}"]);
        using var training = new LocalTraining(config, TestContext.Current.CancellationToken);

        var layers = LayerProfile.Measure(config, TimeSpan.FromMilliseconds(50), TestContext.Current.CancellationToken);

        Assert.Contains(layers, layer => layer.Name.StartsWith("encoder.mid_block", StringComparison.Ordinal));
        Assert.Contains(layers, layer => layer.Name.StartsWith("decoder.up_blocks", StringComparison.Ordinal));
        Assert.All(layers, layer => Assert.True(layer is { Forward: > 0, Backward: > 0, Flops: > 0 }));
        // All but the convolutions at both ends of encoder and decoder.
        Assert.InRange(layers.Sum(layer => layer.Flops), 0.8 * 3 * 8 * training.ForwardFlops, 3.0 * 8 * training.ForwardFlops);
    }

    [Fact]
    public void Measure_ARunOfTwoSteps_IsRefused()
    {
        var refused = Assert.Throws<UserErrorException>(() => Profiler.Measure(Tiny(steps: 2), TimeSpan.FromMilliseconds(50), _ => { }, TestContext.Current.CancellationToken));
        Assert.Contains("this run has 2", refused.Message, StringComparison.Ordinal);
    }

    private static Func<IReadOnlyList<string>, RunConfig> Tiny(int steps) => settings => new ConfigSources
    {
        Text = "model: {preset: tiny, image_size: 16}\ndata: {source: \"shapes:?count=64&size=16\", threads: 1}\n"
            + $"train: {{batch: 8, slots: 4, steps: {steps}, threads: 1}}\n",
        Name = "test",
        Switches = settings,
    }.Load();
}
