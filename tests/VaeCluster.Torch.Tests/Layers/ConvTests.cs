using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace VaeCluster.Torch.Tests.Layers;

public sealed class ConvTests
{
    [Theory]
    [InlineData(3, 32, 3, 1, 1, 4, 9, 7)]
    [InlineData(32, 64, 3, 2, 0, 4, 17, 17)]
    [InlineData(32, 64, 1, 1, 0, 2, 8, 8)]
    [InlineData(16, 32, 4, 2, 0, 5, 13, 13)]
    [InlineData(32, 64, 4, 2, 0, 4, 5, 5)] // one place: a matrix product
    [InlineData(19, 21, 3, 2, 1, 3, 5, 6)] // nine places
    [InlineData(5, 7, 5, 3, 2, 3, 6, 7)]
    [InlineData(128, 128, 3, 1, 1, 1, 16, 16)] // the weight's gradient as a product
    [InlineData(96, 160, 3, 1, 1, 2, 8, 8)] // the same, of fewer patches than channels
    [InlineData(1, 16, 4, 2, 0, 4, 28, 28)]
    public void Forward_AndAllGradients_EqualTheStockOperator(int inputs, int outputs, int kernel, int stride, int padding, int samples, int height, int width)
    {
        using var scope = NewDisposeScope();
        manual_seed(1);
        var ours = new Conv(inputs, outputs, kernel, stride, padding);
        var stock = Conv2d(inputs, outputs, kernel, stride, padding);

        Close.AssertLayer(stock, stock.forward, ours, ours.forward, randn(samples, inputs, height, width));
    }

    [Theory]
    [InlineData(32, 16, 3, 8, 8)]
    [InlineData(7, 19, 2, 5, 3)]
    [InlineData(16, 16, 2, 1, 1)]
    [InlineData(24, 40, 1, 3, 2)]
    [InlineData(96, 72, 1, 4, 4)] // too little image for so many weights
    [InlineData(160, 144, 2, 7, 6)] // wide
    public void ForwardDoubled_AndAllGradients_EqualTheStockOperators(int inputs, int outputs, int samples, int height, int width)
    {
        using var scope = NewDisposeScope();
        manual_seed(3);
        var ours = new Conv(inputs, outputs, kernel: 3, padding: 1);
        var stock = Conv2d(inputs, outputs, kernel_size: 3, padding: 1);

        Close.AssertLayer(stock, x => stock.forward(functional.interpolate(x, scale_factor: [2, 2], mode: InterpolationMode.Nearest)),
            ours, ours.ForwardDoubled, randn(samples, inputs, height, width));
    }

    [Theory]
    [InlineData(32, 64, 3, 2, 9)]
    [InlineData(32, 64, 4, 2, 5)]
    public void Gradients_Repeated_AreTheSameBits(int inputs, int outputs, int kernel, int stride, int size)
    {
        using var scope = NewDisposeScope();
        manual_seed(2);
        var layer = new Conv(inputs, outputs, kernel, stride);
        var x = randn(4, inputs, size, size).requires_grad_();
        Tensor[] expected = Gradients();

        for (var repeat = 0; repeat < 3; repeat++)
            Assert.All(expected.Zip(Gradients()), pair => Assert.True(pair.First.eq(pair.Second).all().item<bool>()));

        Tensor[] Gradients()
        {
            layer.zero_grad();
            if (x.grad is not null) x.grad = null;
            layer.forward(x).square().sum().backward();
            return [x.grad!.clone(), .. layer.parameters().Select(parameter => parameter.grad!.clone())];
        }
    }

    [Fact]
    public void Create_FromTheSameSeed_HasPyTorchsInitialWeights()
    {
        manual_seed(9);
        using var ours = new Conv(6, 4, 3, 2, 1);
        manual_seed(9);
        using var stock = Conv2d(6, 4, 3, 2, 1);

        Assert.Equal(WeightsHash.Of(stock), WeightsHash.Of(ours));
    }
}
