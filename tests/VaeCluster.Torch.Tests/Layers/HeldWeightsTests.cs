using static TorchSharp.torch;

namespace VaeCluster.Torch.Tests.Layers;

public sealed class HeldWeightsTests
{
    public static TheoryData<string> Layers => ["conv", "doubled", "transposed"];

    [Theory]
    [MemberData(nameof(Layers))]
    public void Begin_AroundSeveralPasses_GivesTheSameBits(string kind)
    {
        using var scope = NewDisposeScope();
        var (layer, run, x) = Layer(kind);
        var expected = Pass();
        using (HeldWeights.Begin())
        {
            for (var repeat = 0; repeat < 3; repeat++)
                Assert.All(expected.Zip(Pass()), pair => Assert.True(pair.First.eq(pair.Second).all().item<bool>()));
        }

        List<Tensor> Pass()
        {
            foreach (var (_, parameter) in layer.named_parameters()) parameter.grad = null;
            var y = run(x);
            y.square().sum().backward();
            return [y.detach().clone(), .. layer.named_parameters().Select(named => named.parameter.grad!.clone())];
        }
    }

    [Theory]
    [MemberData(nameof(Layers))]
    public void Dispose_AfterwardsTheWeightHasChanged_SeesIt(string kind)
    {
        using var scope = NewDisposeScope();
        using var _ = no_grad();
        var (layer, run, x) = Layer(kind);
        var weight = layer.named_parameters().Single(named => named.name == "weight").parameter;
        var before = run(x);
        using (HeldWeights.Begin())
        {
            using (HeldWeights.Begin()) run(x);
            weight.mul_(2);
            // Nobody may change it here; that this one change is not seen shows that the derived weight is used again.
            Assert.True(run(x).eq(before).all().item<bool>());
        }
        Assert.False(run(x).eq(before).all().item<bool>());
    }

    private static (nn.Module Layer, Func<Tensor, Tensor> Run, Tensor Input) Layer(string kind)
    {
        manual_seed(4);
        var conv = new Conv(32, 48, kernel: 3, padding: 1);
        var transposed = new ConvTranspose(32, 48, kernel: 4, stride: 2, padding: 1);
        var x = randn(2, 32, 12, 12);
        return kind switch
        {
            "conv" => (conv, conv.forward, x),
            "doubled" => (conv, conv.ForwardDoubled, x),
            _ => (transposed, transposed.forward, x),
        };
    }
}
