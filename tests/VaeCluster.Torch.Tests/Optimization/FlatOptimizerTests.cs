using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace VaeCluster.Torch.Tests.Optimization;

public sealed class FlatOptimizerTests
{
    [Theory]
    [InlineData("adam", 0, 0)]
    [InlineData("adam", 0.01, 0)]
    [InlineData("adam", 0, 1.5)]
    [InlineData("adamw", 0.01, 0)]
    [InlineData("sgd", 0, 0)]
    [InlineData("sgd", 0.01, 0)]
    public void Step_TwentyTimes_IsBitEqualToPyTorch(string name, double weightDecay, double clip)
    {
        const int steps = 20, count = 10_007;
        var values = Reference(name, steps, count, weightDecay, clip);
        var rate = name == "sgd" ? 1e-2 : 1e-3;
        using var model = new OneParameter(values.AsSpan(0, count));
        using var parameters = new FlatParameters(model);
        using var gradient = new FlatGradient(parameters);
        using var optimizer = new FlatOptimizer(parameters, new OptimizerOptions
        {
            Name = Enum.Parse<OptimizerName>(name, ignoreCase: true),
            Lr = rate,
            WeightDecay = weightDecay,
            ClipNorm = clip,
        });

        for (var step = 0; step < steps; step++)
        {
            values.AsSpan((step + 1) * count, count).CopyTo(Floats(gradient.Flat));
            optimizer.Step(gradient, rate, optimizer.Norm(gradient));
        }

        Assert.Equal(values.AsSpan((steps + 1) * count, count), Floats(parameters.Weights)[..count]);
    }

    [Fact]
    public void Step_WithEma_FollowsTheWeights()
    {
        using var model = new OneParameter([1f, 2f, 3f]);
        using var parameters = new FlatParameters(model);
        using var gradient = new FlatGradient(parameters);
        using var optimizer = new FlatOptimizer(parameters, new OptimizerOptions { Name = OptimizerName.Sgd, Lr = 1, Momentum = 0, EmaDecay = 0.75 });
        Floats(gradient.Flat)[..3].Fill(1);

        optimizer.Step(gradient, 1, optimizer.Norm(gradient));

        Assert.Equal([0f, 1f, 2f], Floats(parameters.Weights)[..3]);
        Assert.Equal([0.75f, 1.75f, 2.75f], Floats(optimizer.Ema!)[..3]);
    }

    [Theory]
    [InlineData(float.NaN)]
    [InlineData(float.PositiveInfinity)]
    public void Norm_OfAGradientThatIsNotFinite_IsNotFinite(float value)
    {
        using var model = new OneParameter([1f, 2f, 3f]);
        using var parameters = new FlatParameters(model);
        using var gradient = new FlatGradient(parameters);
        using var optimizer = new FlatOptimizer(parameters, new OptimizerOptions());
        Floats(gradient.Flat)[1] = value;

        Assert.False(double.IsFinite(optimizer.Norm(gradient)));
    }

    [Fact]
    public void Norm_LeavesTheSumsOut()
    {
        using var model = new OneParameter([1f, 2f, 3f]);
        using var parameters = new FlatParameters(model, sums: 2);
        using var gradient = new FlatGradient(parameters);
        using var optimizer = new FlatOptimizer(parameters, new OptimizerOptions());
        Floats(gradient.Flat)[0] = 3;
        Floats(gradient.Flat)[2] = 4;
        Floats(gradient.Sums).Fill(100);

        Assert.Equal(5, optimizer.Norm(gradient));
    }

    private static Span<float> Floats(Tensor flat) => MemoryMarshal.Cast<byte, float>(flat.bytes);

    private static float[] Reference(string name, int steps, int count, double weightDecay, double clip)
    {
        var path = Path.GetTempFileName();
        try
        {
            var start = new ProcessStartInfo("/usr/bin/python3",
            [
                Path.Combine(AppContext.BaseDirectory, "Optimization", "reference_optimizer.py"), path, name,
                steps.ToString(), count.ToString(), weightDecay.ToString(CultureInfo.InvariantCulture), clip.ToString(CultureInfo.InvariantCulture),
            ]);
            using var process = Process.Start(start)!;
            Assert.True(process.WaitForExit(TimeSpan.FromSeconds(120)), "the reference script did not end in 120 s");
            Assert.Equal(0, process.ExitCode);
            return MemoryMarshal.Cast<byte, float>(File.ReadAllBytes(path)).ToArray();
        }
        finally
        {
            File.Delete(path);
        }
    }

    private sealed class OneParameter : nn.Module
    {
        private readonly Parameter weight;

        public OneParameter(ReadOnlySpan<float> values) : base("one")
        {
            weight = new Parameter(tensor(values.ToArray()));
            RegisterComponents();
        }
    }
}
