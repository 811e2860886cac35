using static TorchSharp.torch;

namespace TorchSharp.Tests.Tensors;

public sealed class AutogradTests
{
    [Fact]
    public void Backward_ThroughPointwiseFunctions_EqualsDifferences()
    {
        Values.AssertGradient(x => x.sigmoid() * x.tanh() + x.exp() / (x.square() + 1), 2, 3);
        Values.AssertGradient(x => nn.functional.silu(x) - nn.functional.softplus(x), 2, 3);
        Values.AssertGradient(x => x.softmax(1).log(), 2, 3);
        Values.AssertGradient(x => 2 / (x.abs() + 1) - x.pow(3), 4);
    }

    [Fact]
    public void Backward_ThroughLayers_EqualsDifferences()
    {
        using var w = randn(2, 2, 3, 3, float64);
        Values.AssertGradient(x => nn.functional.conv2d(x, w, strides: [2, 2], padding: [1, 1]), 1, 2, 4, 4);
        Values.AssertGradient(x => nn.functional.conv_transpose2d(x, w, strides: [2, 2], padding: [1, 1], output_padding: [1, 1]), 1, 2, 3, 3);
        Values.AssertGradient(x => nn.functional.group_norm(x, 2), 2, 4, 2, 2);
        Values.AssertGradient(x => nn.functional.layer_norm(x, [4]), 3, 4);
        Values.AssertGradient(x => nn.functional.interpolate(x, scale_factor: [2, 2]), 1, 1, 2, 2);
        Values.AssertGradient(x => nn.functional.pad(x, [0, 1, 0, 1]), 1, 1, 2, 2);
        Values.AssertGradient(x => nn.functional.scaled_dot_product_attention(x, x, x), 1, 2, 3, 4);
        Values.AssertGradient(x => x[TensorIndex.Ellipsis, 1..].cumsum(0), 3, 3);
    }

    [Fact]
    public void Gradients_Accumulate_UntilTheyAreDropped()
    {
        var x = ones(2, requires_grad: true);
        Assert.Null(x.grad);
        (x * 2).sum().backward();
        (x * 3).sum().backward();
        Values.AssertEqual([5, 5], x.grad!);
        x.grad = null;
        Assert.Null(x.grad);
        var y = x * 2;
        y.backward([tensor(new float[] { 1, 10 })], retain_graph: true);
        Values.AssertEqual([2, 20], x.grad!);
        y.retain_grad();
        y.sum().backward();
        Values.AssertEqual([1, 1], y.grad!);
    }

    [Fact]
    public void Recording_StopsInsideNoGrad_OnThisThreadAlone()
    {
        var x = ones(1, requires_grad: true);
        Assert.True(is_grad_enabled());
        using (no_grad())
        {
            Assert.False((x * 2).requires_grad);
            using (enable_grad()) Assert.True((x * 2).requires_grad);
            var other = true;
            Thread thread = new(() => other = is_grad_enabled());
            thread.Start();
            Assert.True(thread.Join(TimeSpan.FromSeconds(30)), "the thread did not end");
            Assert.True(other);
            Assert.False(is_grad_enabled());
        }
        Assert.True(is_grad_enabled());
        Assert.True(x.detach().is_leaf);
        Assert.False(x.detach().requires_grad);
    }
}
