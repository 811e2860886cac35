using static TorchSharp.torch;

namespace VaeCluster.Torch.Tests.Gradients;

public sealed class GradientHooksTests
{
    [Fact]
    public void Run_EachBucketOnce_AndCompleteWhenReported()
    {
        using var model = nn.Sequential(nn.Linear(64, 64), nn.Tanh(), nn.Linear(64, 64), nn.Tanh(), nn.Linear(64, 64));
        using var parameters = new FlatParameters(model, sums: 3, bucketBytes: 10_000);
        using var gradient = new FlatGradient(parameters);
        parameters.AccumulateInto(gradient);
        using var input = randn(8, 64);
        var seen = new List<(int Bucket, Tensor Copy)>();
        using var hooks = new GradientHooks(parameters, bucket =>
        {
            var range = parameters.Layout.Buckets[bucket];
            seen.Add((bucket, gradient.Flat.narrow(0, range.Offset, range.Count).clone()));
        });

        for (var round = 0; round < 3; round++)
        {
            seen.Clear();
            gradient.Flat.zero_();
            hooks.Run(() => model.forward(input).sum().backward());

            Assert.Equal(Enumerable.Range(0, parameters.Layout.Buckets.Count), seen.Select(pair => pair.Bucket).Order());
            Assert.All(seen, pair =>
            {
                var range = parameters.Layout.Buckets[pair.Bucket];
                Assert.True(pair.Copy.equal(gradient.Flat.narrow(0, range.Offset, range.Count)).all().item<bool>());
            });
        }
        Assert.Equal(0, seen[0].Bucket); // the last layer's gradients are ready first, and lie first
    }

    [Fact]
    public void Backward_OutsideRun_ReportsNothing()
    {
        using var model = nn.Linear(4, 4);
        using var parameters = new FlatParameters(model);
        using var gradient = new FlatGradient(parameters);
        parameters.AccumulateInto(gradient);
        var reported = 0;
        using var hooks = new GradientHooks(parameters, _ => reported++);

        model.forward(ones(2, 4)).sum().backward();
        Assert.Equal(0, reported);

        hooks.Run(() => model.forward(ones(2, 4)).sum().backward());
        Assert.Equal(1, reported);
    }

    [Fact]
    public void Run_HandlerThrows_ThrowsBehindBackward()
    {
        using var model = nn.Linear(4, 4);
        using var parameters = new FlatParameters(model);
        using var gradient = new FlatGradient(parameters);
        parameters.AccumulateInto(gradient);
        using var hooks = new GradientHooks(parameters, _ => throw new FormatException("mine"));

        var thrown = Assert.Throws<InvalidOperationException>(() => hooks.Run(() => model.forward(ones(2, 4)).sum().backward()));
        Assert.IsType<FormatException>(thrown.InnerException);
    }

    [Fact]
    public void Dispose_GivesAllNativeObjectsBack()
    {
        var before = Native.NativeAdditions.LiveObjects;
        using (var model = nn.Linear(4, 4))
        using (var parameters = new FlatParameters(model))
        using (new GradientHooks(parameters, _ => { }))
        {
            Assert.Equal(before + 1, Native.NativeAdditions.LiveObjects);
        }
        Assert.Equal(before, Native.NativeAdditions.LiveObjects);
    }
}
