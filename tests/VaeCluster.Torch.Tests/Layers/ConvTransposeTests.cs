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
        stock.load_state_dict(ours.state_dict());
        var a = randn(4, inputs, size, size).requires_grad_();
        var b = a.detach().clone().requires_grad_();

        var x = ours.forward(a);
        var y = stock.forward(b);
        var direction = randn_like(x);
        (x * direction).sum().backward();
        (y * direction).sum().backward();

        Assert.Equal(y.shape, x.shape);
        Close.Assert(y, x, "output");
        Close.Assert(b.grad!, a.grad!, "input");
        foreach (var ((name, left), (_, right)) in stock.named_parameters().Zip(ours.named_parameters())) Close.Assert(left.grad!, right.grad!, name);
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
