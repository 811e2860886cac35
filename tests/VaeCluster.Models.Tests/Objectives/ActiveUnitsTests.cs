using VaeCluster.Models.Objectives;
using static TorchSharp.torch;

namespace VaeCluster.Models.Tests.Objectives;

[Collection(OneThread.Name)]
public class ActiveUnitsTests
{
    [Fact]
    public void Count_OfConstantAndMovingMeans_CountsTheMoving()
    {
        using var scope = NewDisposeScope();
        // Four units over 1000 samples: standard deviation 1, 0.2, 0.05 around 3, and none at all.
        var mean = randn([1000, 4, 1, 1]) * tensor(new[] { 1f, 0.2f, 0.05f, 0f }).view(4, 1, 1)
            + tensor(new[] { 0f, 1f, 3f, 3f }).view(4, 1, 1);

        Assert.Equal(2, ActiveUnits.Count(ActiveUnits.Sums(mean).data<float>().ToArray(), samples: 1000));
    }

    [Fact]
    public void Sums_OfParts_AddUp()
    {
        using var scope = NewDisposeScope();
        var mean = randn([10, 2, 3, 3]);

        var whole = ActiveUnits.Sums(mean);
        var parts = ActiveUnits.Sums(mean.narrow(0, 0, 4)) + ActiveUnits.Sums(mean.narrow(0, 4, 6));

        Assert.Equal([2, 18], whole.shape);
        Assert.True((whole - parts).abs().max().item<float>() < 1e-5);
    }
}
