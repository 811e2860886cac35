using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace VaeCluster.Torch.Tests.Flat;

public sealed class FlatParametersTests
{
    [Fact]
    public void Create_ParametersKeepTheirValues_AndLiveInTheFlatBuffer()
    {
        using var model = Sequential(Conv2d(3, 5, 3), Linear(7, 2));
        var before = WeightsHash.Of(model);
        using var parameters = new FlatParameters(model);

        Assert.Equal(before, WeightsHash.Of(model));
        using (no_grad()) parameters.Weights.fill_(0.5);
        Assert.All(model.parameters(), parameter => Assert.True(parameter.eq(0.5).all().item<bool>()));
    }

    [Fact]
    public void Backward_Twice_AccumulatesInPlace()
    {
        using var model = Sequential(Conv2d(3, 5, 3), GroupNorm(1, 5), Flatten(), Linear(20, 2));
        using var parameters = new FlatParameters(model, sums: 4);
        using var first = new FlatGradient(parameters);
        using var second = new FlatGradient(parameters);
        using var input = randn(2, 3, 4, 4);

        parameters.AccumulateInto(first);
        model.forward(input).square().sum().backward();
        model.forward(input).square().sum().backward();
        parameters.AccumulateInto(second);
        model.forward(input).square().sum().backward();

        Assert.True(second.Flat.norm().item<float>() > 0);
        Assert.True(first.Flat.equal(second.Flat * 2).all().item<bool>());
        Assert.True(first.Sums.eq(0).all().item<bool>());
    }

    [Fact]
    public unsafe void Backward_IntoMemoryOfOthers_WritesTheSameThere()
    {
        using var model = Sequential(Conv2d(3, 5, 3), GroupNorm(1, 5), Flatten(), Linear(20, 2));
        using var parameters = new FlatParameters(model, sums: 4);
        var length = (int)parameters.Layout.Length;
        var floats = GC.AllocateArray<float>(length + 16, pinned: true);
        var start = (nint)Unsafe.AsPointer(ref floats[0]);
        var aligned = (start + 63) / 64 * 64;
        using var own = new FlatGradient(parameters);
        using var placed = new FlatGradient(parameters, new ExternalMemory(aligned, floats));
        using var input = randn(2, 3, 4, 4);

        foreach (var gradient in (FlatGradient[])[own, placed])
        {
            parameters.AccumulateInto(gradient);
            model.forward(input).square().sum().backward();
        }

        var written = floats.AsSpan((int)(aligned - start) / sizeof(float), length);
        Assert.True(MemoryMarshal.AsBytes(written).SequenceEqual(own.Flat.bytes));
        Assert.Contains(written.ToArray(), value => value != 0);
        placed.Flat.zero_();
        Assert.DoesNotContain(floats, value => value != 0);
    }

    [Fact]
    public void Layout_IsReversed_Aligned_AndCutIntoBucketsThatCoverAll()
    {
        using var model = Sequential(Linear(100, 10), Linear(10, 3), Linear(3, 1));
        var layout = new FlatLayout(model.named_parameters(), sums: 5, bucketBytes: 256);

        Assert.Equal(["2.bias", "2.weight", "1.bias", "1.weight", "0.bias", "0.weight"], layout.Parameters.Select(entry => entry.Name));
        Assert.All(layout.Parameters, entry => Assert.Equal(0, entry.Offset % 16));
        Assert.Equal(0, layout.Buckets[0].Offset);
        Assert.All(layout.Buckets.Zip(layout.Buckets.Skip(1)), pair => Assert.Equal(pair.First.Offset + pair.First.Count, pair.Second.Offset));
        Assert.Equal(layout.Length, layout.Buckets[^1].Offset + layout.Buckets[^1].Count);
        Assert.Equal(layout.Buckets.Count - 1, layout.BucketOf(layout.Parameters[^1]));
    }
}
