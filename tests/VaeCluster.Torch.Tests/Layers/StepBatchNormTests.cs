using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace VaeCluster.Torch.Tests.Layers;

public sealed class StepBatchNormTests
{
    [Fact]
    public void OneSlot_Step_EqualsBatchNorm2d()
    {
        using var scope = NewDisposeScope();
        manual_seed(2);
        var model = Sequential(Conv2d(3, 8, 3), new StepBatchNorm2d(8));
        var stock = Sequential(Conv2d(3, 8, 3), BatchNorm2d(8));
        stock.load_state_dict(model.state_dict());
        using var statistics = new BatchStatistics(model);
        var sums = zeros(statistics.Length);

        for (var step = 0; step < 3; step++)
        {
            var input = randn(5, 3, 7, 7);
            sums.zero_();
            statistics.BeforeForward();
            Assert.True(model.forward(input).allclose(stock.forward(input), 1e-6, 1e-6));
            statistics.AddTo(sums, 5);
            statistics.Apply(sums, 5);
        }

        var expected = stock.state_dict();
        foreach (var (name, value) in model.state_dict())
            Assert.True(value.to(ScalarType.Float64).allclose(expected[name].to(ScalarType.Float64), 1e-6, 1e-7), name);
        model.eval();
        stock.eval();
        var image = randn(1, 3, 7, 7);
        Assert.True(model.forward(image).allclose(stock.forward(image), 1e-6, 1e-6));
    }

    [Theory]
    [InlineData(4, 32, 9, 7, null)]
    [InlineData(3, 16, 13, 13, 0.2)]
    [InlineData(2, 64, 1, 1, 0.0)] // fewer pixels than parts
    [InlineData(5, 12, 6, 6, 0.2)] // no multiple of 16 features
    public void Forward_AndAllGradients_EqualTheStockOperators(int samples, int features, int height, int width, double? slope)
    {
        using var scope = NewDisposeScope();
        manual_seed(5);
        var layer = new StepBatchNorm2d(features, slope: slope);
        var stock = BatchNorm2d(features);
        using (no_grad()) foreach (var parameter in layer.parameters()) parameter.add_(randn_like(parameter) * 0.3);

        // Of two pixels the gradient is the difference of all but equal numbers.
        Close.AssertLayer(stock, x => slope is { } below ? functional.leaky_relu(stock.forward(x), below) : stock.forward(x), layer, layer.forward,
            randn(samples, features, height, width) * 2 + 3, inputGradient: samples * height * width > 2);

        foreach (var ((name, left), (_, right)) in stock.named_buffers().Zip(layer.named_buffers()))
            Close.Assert(left.to(ScalarType.Float32), right.to(ScalarType.Float32), name);
    }

    [Fact]
    public void TwoSlots_Step_WeightTheirStatisticsBySamples_AndCountOneBatch()
    {
        using var scope = NewDisposeScope();
        var layer = new StepBatchNorm2d(1);
        using var statistics = new BatchStatistics(layer);
        var sums = zeros(statistics.Length);
        foreach (var (value, samples) in new[] { (1f, 1), (4f, 3) })
        {
            statistics.BeforeForward();
            layer.forward(full([samples, 1, 2, 2], value));
            statistics.AddTo(sums, samples);
        }

        statistics.Apply(sums, 4);

        var state = layer.state_dict();
        Assert.Equal(0.1f * (1 + 3 * 4) / 4, state["running_mean"].item<float>(), 6);
        Assert.Equal(0.9f, state["running_var"].item<float>(), 6); // both slots' variance is zero
        Assert.Equal(1, state["num_batches_tracked"].item<long>());
    }
}
