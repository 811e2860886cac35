using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace TorchSharp.Tests.NN;

public sealed class FunctionalTests
{
    private readonly Tensor _image = arange(16, float32).reshape(1, 1, 4, 4);

    [Fact]
    public void Convolutions_MatchHandValues()
    {
        var box = ones(1, 1, 2, 2);
        Values.AssertEqual([10, 18, 42, 50], functional.conv2d(_image, box, strides: [2, 2]));
        Values.AssertEqual([1, 1, 2, 2, 1, 1, 2, 2, 3, 3, 4, 4, 3, 3, 4, 4],
            functional.conv_transpose2d(tensor(new float[] { 1, 2, 3, 4 }, [1, 1, 2, 2]), box, strides: [2, 2]));
        using var transposed = ConvTranspose2d(1, 1, 3, stride: 2, padding: 1);
        Assert.Equal([1, 1, 7, 7], transposed.call(_image).shape);
        Assert.Equal([1, 1, 8, 8], transposed.forward(_image, [8, 8]).shape);
        using var reflected = Conv2d(1, 1, 3, padding: 1, padding_mode: PaddingModes.Reflect);
        Assert.Equal([1, 1, 4, 4], reflected.call(_image).shape);
        using var pair = Conv2d(1, 1, (1L, 3L), stride: (2, 1));
        Assert.Equal([1, 1, 2, 2], pair.call(_image).shape);
    }

    [Fact]
    public void Resizing_AndPadding_MatchPyTorch()
    {
        Values.AssertEqual([2.5f, 4.5f, 10.5f, 12.5f], functional.interpolate(_image, scale_factor: [0.5], mode: InterpolationMode.Bilinear));
        Values.AssertEqual([0, 1, 2, 8, 9, 10], functional.interpolate(_image, [2, 3]));
        Values.AssertEqual([0, 3, 12, 15], functional.interpolate(_image, [2, 2], mode: InterpolationMode.Bilinear, align_corners: true));
        Values.AssertEqual([2.5f, 4.5f, 10.5f, 12.5f], functional.avg_pool2d(_image, 2));
        Values.AssertEqual([0, 1, 0, 2, 3, 0, 0, 0, 0], functional.pad(arange(4, float32).reshape(1, 1, 2, 2), (0, 1, 0, 1)));
        Values.AssertEqual([1, 0, 1, 2, 3], functional.pad(_image, [1, 0, 0, 0], PaddingModes.Reflect)[0, 0, 0]);
        using var upsample = Upsample(scale_factor: [2, 2]);
        Assert.Equal([1, 1, 8, 8], upsample.call(_image).shape);
    }

    [Fact]
    public void Norms_MatchTheirDefinitions()
    {
        var x = tensor(new float[] { 1, 3, 5, 7 }, [1, 4, 1, 1]);
        Values.AssertEqual([-1, 1, -1, 1], functional.group_norm(x, 2), 1e-4);
        Values.AssertEqual([-1, 1], functional.layer_norm(tensor(new float[] { 2, 4 }), [2]), 1e-4);
        using var norm = BatchNorm2d(1);
        Values.AssertEqual([-1.3416f, -0.4472f, 0.4472f, 1.3416f], norm.call(x.view(1, 1, 2, 2)), 1e-4);
        Assert.Equal(0.4, norm.running_mean!.ToDouble(), 1e-6);
        Assert.Equal(0.9 + 0.1 * 20 / 3, norm.running_var!.ToDouble(), 1e-5);
        Assert.Equal(1, norm.num_batches_tracked!.ToInt64());
        norm.eval();
        Assert.Equal((1 - 0.4) / Math.Sqrt(0.9 + 2 / 3.0 + 1e-5), norm.call(x.view(1, 1, 2, 2)).flatten()[0].ToDouble(), 1e-5);
        Assert.Throws<ArgumentException>(() => norm.call(x.view(1, 4)));
    }

    [Fact]
    public void Activations_MatchHandValues()
    {
        var x = tensor(new float[] { -1, 2 });
        Values.AssertEqual([0, 2], functional.relu(x));
        Values.AssertEqual([-0.2f, 2], functional.leaky_relu(x, 0.2));
        Values.AssertEqual([-1 / (1 + MathF.E), 2 / (1 + MathF.Exp(-2))], functional.silu(x));
        Values.AssertEqual([-0.1586552858352661f, 1.9544999599456787f], functional.gelu(x));
        Values.AssertEqual([MathF.Tanh(-1), MathF.Tanh(2)], functional.tanh(x));
        Values.AssertEqual([1 / (1 + MathF.Exp(3)), 1 / (1 + MathF.Exp(-3))], functional.softmax(x, 0));
        var y = x.clone();
        functional.relu(y, inplace: true);
        Values.AssertEqual([0, 2], y);
        Values.AssertEqual([-1, 2], functional.dropout(x, training: false));
        Assert.InRange(functional.dropout(ones(1000)).count_nonzero().ToInt64(), 400, 600);
    }

    [Fact]
    public void Losses_MatchHandValues()
    {
        var (x, y) = (tensor(new float[] { 1, 3 }), tensor(new float[] { 0, 1 }));
        Assert.Equal(2.5f, functional.mse_loss(x, y).ToSingle());
        Assert.Equal(5f, functional.mse_loss(x, y, Reduction.Sum).ToSingle());
        Assert.Equal(3f, functional.l1_loss(x, y, Reduction.Sum).ToSingle());
        Assert.Equal(1f, functional.smooth_l1_loss(x, y).ToSingle());
        var expected = Math.Log(1 + Math.E) + Math.Log(1 + Math.Exp(-3));
        Assert.Equal(expected, functional.binary_cross_entropy_with_logits(x, y, reduction: Reduction.Sum).ToDouble(), 1e-5);
        Assert.Equal(Math.Log(1 + Math.Exp(-2)), functional.cross_entropy(x.unsqueeze(0), tensor(new[] { 1L })).ToDouble(), 1e-5);
    }

    [Fact]
    public void Attention_MatchesItsDefinition()
    {
        var (q, k, v) = (randn(1, 2, 3, 4), randn(1, 2, 5, 4), randn(1, 2, 5, 4));
        var expected = (q.matmul(k.transpose(-2, -1)) / 2).softmax(-1).matmul(v);
        Assert.True(functional.scaled_dot_product_attention(q, k, v).allclose(expected, atol: 1e-6));
        var causal = functional.scaled_dot_product_attention(k, k, v, is_casual: true);
        Assert.True(causal[0, 0, 0].allclose(v[0, 0, 0], atol: 1e-6));
    }
}
