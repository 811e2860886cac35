using VaeCluster.Torch.Native;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace VaeCluster.Torch.Tests.Layers;

public sealed class GroupNormSiluTests
{
    [Theory]
    [InlineData(2, 32, 32, 8, 8, true)]
    [InlineData(3, 64, 32, 5, 7, true)] // parts and blocks of unequal size
    [InlineData(1, 128, 32, 1, 3, true)] // fewer pixels than parts
    [InlineData(4, 16, 1, 17, 9, true)] // one group over all channels
    [InlineData(2, 512, 32, 6, 5, false)]
    [InlineData(2, 24, 4, 6, 5, true)] // no multiple of 16 channels
    public void Forward_AndAllGradients_EqualTheTwoStockOperators(int samples, int channels, int groups, int height, int width, bool silu)
    {
        using var scope = NewDisposeScope();
        manual_seed(1);
        var layer = Layer(groups, channels, silu);
        var stock = GroupNorm(groups, channels, 1e-6);

        Close.AssertLayer(stock, x => silu ? functional.silu(stock.forward(x)) : stock.forward(x), layer, layer.forward,
            randn(samples, channels, height, width) * 3 + 2);
    }

    [Fact]
    public void Forward_OfAFlatImageFarFromZero_IsTheBias()
    {
        Assert.SkipUnless(NativeAdditions.Available, "The stock operator is not that exact.");
        using var scope = NewDisposeScope();
        var layer = Layer(8, 32, silu: false);
        var (_, bias) = Parameters(layer);

        var y = layer.forward(full([2, 32, 40, 40], 1000.1f));

        Assert.True((y - bias.view(1, 32, 1, 1)).abs().max().item<float>() < 1e-3);
    }

    [Fact]
    public void Forward_OfLargeNumbers_IsFiniteAndRight()
    {
        using var scope = NewDisposeScope();
        var layer = new GroupNormSilu(1, 16, 1e-6);
        using (no_grad()) Parameters(layer).Weight.fill_(1000);
        var x = randn(1, 16, 8, 8);

        var y = layer.forward(x);

        Close.Assert(functional.silu(functional.group_norm(x, 1, Parameters(layer).Weight, Parameters(layer).Bias, 1e-6)), y, "output");
    }

    [Theory]
    [InlineData(float.NaN)]
    [InlineData(float.PositiveInfinity)]
    public void Forward_AndBackward_PassOnWhatIsNotFinite(float value)
    {
        using var scope = NewDisposeScope();
        var layer = Layer(4, 16, silu: true);
        var x = zeros(1, 16, 4, 4);
        x.view(-1).narrow(0, 5, 1).fill_(value);
        x.requires_grad_();

        var y = layer.forward(x);
        y.sum().backward();

        Assert.False(y.sum().isfinite().item<bool>());
        Assert.False(x.grad!.sum().isfinite().item<bool>());
    }

    [Fact]
    public void EachSample_IsNormalisedAlone_ToTheBit()
    {
        using var scope = NewDisposeScope();
        manual_seed(3);
        var layer = Layer(32, 64, silu: true);
        var x = randn(5, 64, 9, 9);

        var together = layer.forward(x);

        for (var i = 0; i < 5; i++) Assert.True(together.narrow(0, i, 1).eq(layer.forward(x.narrow(0, i, 1))).all().item<bool>());
    }

    [Fact]
    public void Gradients_Repeated_AreTheSameBits_WhateverTheThreads()
    {
        Assert.SkipUnless(NativeAdditions.Available, "The stock operator's sums follow the threads.");
        using var scope = NewDisposeScope();
        manual_seed(4);
        var layer = Layer(8, 32, silu: true);
        var x = randn(3, 32, 33, 31);
        var before = get_num_threads();
        try
        {
            var expected = Gradients(1);
            foreach (var threads in (int[])[1, 2, 5])
                Assert.All(expected.Zip(Gradients(threads)), pair => Assert.True(pair.First.eq(pair.Second).all().item<bool>()));
        }
        finally
        {
            set_num_threads(before);
        }

        Tensor[] Gradients(int threads)
        {
            set_num_threads(threads);
            var input = x.detach().clone().requires_grad_();
            layer.zero_grad();
            var y = layer.forward(input);
            y.square().sum().backward();
            return [y, input.grad!, .. layer.parameters().Select(parameter => parameter.grad!.clone())];
        }
    }

    private static GroupNormSilu Layer(int groups, int channels, bool silu)
    {
        var layer = new GroupNormSilu(groups, channels, 1e-6, silu);
        using var guard = no_grad();
        foreach (var parameter in layer.parameters()) parameter.add_(randn_like(parameter) * 0.3);
        return layer;
    }

    private static (TorchSharp.Modules.Parameter Weight, TorchSharp.Modules.Parameter Bias) Parameters(GroupNormSilu layer)
    {
        var named = layer.named_parameters().ToDictionary(pair => pair.name, pair => pair.parameter);
        return (named["weight"], named["bias"]);
    }
}
