using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace VaeCluster.Torch.Tests.Layers;

public sealed class ConvTransposeTests
{
    [Theory]
    [InlineData(32, 16, 3, 2, 0, 0, 1)]
    [InlineData(16, 8, 4, 1, 0, 0, 3)]
    [InlineData(16, 8, 3, 2, 1, 1, 5)]
    [InlineData(8, 1, 4, 2, 0, 0, 13)]
    [InlineData(64, 1, 4, 2, 0, 0, 13)]
    [InlineData(6, 5, 3, 2, 1, 1, 3)]
    [InlineData(7, 3, 5, 3, 2, 2, 2)]
    public void Forward_AndAllGradients_EqualTheStockOperator(int inputs, int outputs, int kernel, int stride, int padding, int outputPadding, int size)
    {
        using var scope = NewDisposeScope();
        manual_seed(1);
        var ours = new ConvTranspose(inputs, outputs, kernel, stride, padding, outputPadding);
        var stock = ConvTranspose2d(inputs, outputs, kernel, stride, padding, outputPadding);

        Close.AssertLayer(stock, stock.forward, ours, ours.forward, randn(4, inputs, size, size));
    }

    [Fact]
    public void Create_FromTheSameSeed_HasPyTorchsInitialWeights()
    {
        manual_seed(9);
        using var ours = new ConvTranspose(6, 4, 3, 2, 1, 1);
        manual_seed(9);
        using var stock = ConvTranspose2d(6, 4, 3, 2, 1, 1);

        Assert.Equal(WeightsHash.Of(stock), WeightsHash.Of(ours));
    }
}
