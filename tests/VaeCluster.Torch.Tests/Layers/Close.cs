using static TorchSharp.torch;

namespace VaeCluster.Torch.Tests.Layers;

/// <summary>Equal but for rounding in fp32: the norm of the difference over the norm.</summary>
internal static class Close
{
    public static void Assert(Tensor expected, Tensor actual, string what)
    {
        var difference = (expected - actual).norm().item<float>() / expected.norm().item<float>();
        Xunit.Assert.True(difference < 1e-6, $"{what}: relative difference {difference}");
    }

    /// <summary>With the stock layer's weights and input: the output, and the gradients of input and parameters along a random direction.</summary>
    public static void AssertLayer(nn.Module stock, Func<Tensor, Tensor> expected, nn.Module layer, Func<Tensor, Tensor> actual,
        Tensor input, bool inputGradient = true)
    {
        stock.load_state_dict(layer.state_dict());
        var a = input.detach().requires_grad_();
        var b = input.detach().clone().requires_grad_();

        var x = actual(a);
        var y = expected(b);
        var direction = randn_like(y);
        (x * direction).sum().backward();
        (y * direction).sum().backward();

        Xunit.Assert.Equal(y.shape, x.shape);
        Assert(y, x, "output");
        if (inputGradient) Assert(b.grad!, a.grad!, "input");
        foreach (var ((name, left), (_, right)) in stock.named_parameters().Zip(layer.named_parameters())) Assert(left.grad!, right.grad!, name);
    }
}
