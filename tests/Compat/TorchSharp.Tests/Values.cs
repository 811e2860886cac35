using static TorchSharp.torch;

[assembly: CollectionBehavior(DisableTestParallelization = true)] // live counts and default generators are the process's

namespace TorchSharp.Tests;

internal static class Values
{
    internal static float[] Of(Tensor tensor) => tensor.data<float>().ToArray();

    internal static void AssertEqual(float[] expected, Tensor actual, double tolerance = 1e-6)
    {
        using var values = actual.to(float32);
        var own = Of(values);
        Assert.Equal(expected.Length, own.Length);
        for (var i = 0; i < own.Length; i++) Assert.Equal(expected[i], own[i], tolerance);
    }

    /// <summary>Compares the gradient of a function with central differences, both in float64.</summary>
    internal static void AssertGradient(Func<Tensor, Tensor> function, params long[] shape)
    {
        using var scope = NewDisposeScope();
        using var generator = new Generator(5);
        var x = randn(shape, float64, generator: generator).with_requires_grad();
        var weights = randn(shape.Length == 0 ? [] : function(x).shape, float64, generator: generator);
        (function(x) * weights).sum().backward();
        var analytic = x.grad!.flatten();
        using var mode = no_grad();
        var flat = x.view(-1);
        const double Step = 1e-6;
        for (var i = 0L; i < flat.NumberOfElements; i++)
        {
            var at = flat[i];
            var before = at.item<double>();
            at.fill_(before + Step);
            var above = (function(x) * weights).sum().item<double>();
            at.fill_(before - Step);
            var below = (function(x) * weights).sum().item<double>();
            at.fill_(before);
            Assert.Equal((above - below) / (2 * Step), analytic[i].item<double>(), 1e-5 * Math.Max(1, Math.Abs(above)));
        }
    }
}
