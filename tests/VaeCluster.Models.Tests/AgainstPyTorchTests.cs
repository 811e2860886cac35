using System.Diagnostics;
using VaeCluster.Models.Objectives;
using VaeCluster.Models.Tests.Reference;
using VaeCluster.Torch;
using VaeCluster.Torch.Native;
using static TorchSharp.torch;

namespace VaeCluster.Models.Tests;

/// <summary>The same weights, images and noise here and in PyTorch, one thread each; the whole model and the update.</summary>
[Collection(OneThread.Name)]
public class AgainstPyTorchTests
{
    private const double Beta = 0.7;

    /// <summary>Of the global gradient norm: rounding in fp32, summed over the pixels.</summary>
    private const double NoiseLimit = 1e-7;

    private static OptimizerOptions[] Optimizers(double adamRate, double sgdRate) =>
    [
        new() { Name = OptimizerName.Adam, Lr = adamRate },
        new() { Name = OptimizerName.Adamw, Lr = adamRate, WeightDecay = 1e-2 },
        new() { Name = OptimizerName.Sgd, Lr = sgdRate, Momentum = 0.9 },
    ];

    // Our kernels round differently from PyTorch's. The rates of twenty steps are low enough that what rounding can bring about
    // stays within the tolerance: a rectifier on the other side of 0, or Adam's full step in the direction of a gradient that
    // is all but 0. With the stock kernels alone mnist and tiny agree at the usual rate; sd is left out there, for its time.
    [Theory]
    [InlineData("mnist", 28, Recon.Bce, 0, 1e-5, 1e-3, 1e-7)]
    [InlineData("conv64", 64, Recon.Squared, 0, 3e-7, 1e-6, 1e-8)]
    [InlineData("sd-small", 32, Recon.Squared, 0.05, 5e-6, 5e-6, 1e-6)]
    [InlineData("tiny", 32, Recon.L1, 0, 1e-5, 1e-3, 1e-6)]
    [InlineData("sd", 64, Recon.Squared, 0, 1e-5, null, 1e-6)]
    public void Preset_OnTheSameWeights_AgreesWithPyTorch(
        string preset, int size, Recon recon, double freeBits, double adamRateOfOurKernels, double? adamRateOfStockKernels, double sgdRate)
    {
        Assert.SkipWhen(!NativeAdditions.Available && adamRateOfStockKernels is null, "With the native additions only.");
        var adamRate = NativeAdditions.Available ? adamRateOfOurKernels : adamRateOfStockKernels!.Value;
        using var reference = new PyTorchReference(preset, adamRate, sgdRate);
        using var scope = NewDisposeScope();
        var given = reference.Read("forward");
        var options = ModelOptions.Of(preset);
        options.ImageSize = size;
        using var model = ImageAutoencoder.Create(options);
        var objective = new Objective(model, new ObjectiveOptions { Recon = recon, FreeBits = freeBits });

        ForwardAndGradientsAgree(model, objective, given, preset);
        foreach (var optimizer in Optimizers(adamRate, sgdRate))
        {
            using var ownScope = NewDisposeScope();
            var expected = reference.Read(optimizer.Name.ToString().ToLowerInvariant());
            WeightsAgreeAfterSteps(model, objective, given, preset, optimizer, expected);
        }
    }

    /// <summary>Objective and optimizers in a process that has libtorch's kernels alone, at the rates of the second column.</summary>
    [Fact]
    public async Task EachPresetButSd_WithoutTheNativeAdditions_AgreesWithPyTorch()
    {
        Assert.SkipUnless(NativeAdditions.Available, "This process is the one without.");
        var start = new ProcessStartInfo(Environment.ProcessPath!)
        {
            ArgumentList = { "-noLogo", "-noColor", "-method", $"{typeof(AgainstPyTorchTests).FullName}.{nameof(Preset_OnTheSameWeights_AgreesWithPyTorch)}" },
            Environment = { ["VAECLUSTER_NO_NATIVE_ADDITIONS"] = "1" },
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
        };
        using var child = Process.Start(start)!;
        child.StandardInput.Close();
        var said = await child.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken).WaitAsync(TimeSpan.FromMinutes(10), TestContext.Current.CancellationToken);
        await child.WaitForExitAsync(TestContext.Current.CancellationToken);
        Assert.True(child.ExitCode == 0 && said.Contains("Total: 5, Errors: 0, Failed: 0, Skipped: 1", StringComparison.Ordinal), said);
    }

    private static void ForwardAndGradientsAgree(
        ImageAutoencoder model, Objective objective, Dictionary<string, Tensor> given, string preset)
    {
        using var scope = NewDisposeScope();
        Load(model, given);
        model.train();
        var (images, noise) = (given["images"].select(0, 0), given["noise"].select(0, 0));
        var gradients = Section(given, "gradients/");
        var globalNorm = Math.Sqrt(gradients.Values.Sum(gradient => Math.Pow(Agreement.Norm(gradient), 2)));

        var terms = objective.Evaluate(images, noise, Beta);
        (terms.Total / (double)terms.Samples).backward();

        var outputs = new Agreement(0);
        outputs.Compare("mean", terms.Mean, given["terms/mean"]);
        outputs.Compare("decoded", terms.Decoded, given["terms/decoded"]);
        outputs.Compare("recon", terms.Recon, given["terms/recon"]);
        outputs.Compare("kl", terms.Kl, given["terms/kl"]);
        outputs.Compare("squared error", terms.SquaredError, given["terms/squared_error"]);
        outputs.Compare("total", terms.Total, given["terms/total"]);
        if (given.TryGetValue("flat/images", out var flat))
        {
            using var guard = no_grad();
            var (mean, _) = model.Encode(flat);
            outputs.Compare("mean of a flat image", mean, given["flat/mean"]);
            outputs.Compare("decoded flat image", model.Decode(mean), given["flat/decoded"]);
        }
        outputs.AssertAll();

        var agreement = new Agreement(globalNorm);
        var named = model.named_parameters().ToDictionary(entry => entry.name, entry => entry.parameter.grad!);
        foreach (var (name, start, count) in ZeroGradients.Of(preset))
        {
            // Noise on both sides, which has no reason to agree: small it must be, and then counts as the zero that it stands for.
            foreach (var noisy in (Tensor[])[named[name], gradients[name]])
            {
                var part = ZeroGradients.Part(noisy, start, count);
                Assert.True(Agreement.Norm(part) <= NoiseLimit * globalNorm, $"{name}: {Agreement.Norm(part):g3} of {globalNorm:g3} is no noise");
                part.zero_();
            }
        }
        foreach (var (name, gradient) in named) agreement.Compare(name, gradient, gradients[name]);
        agreement.AssertAll();
        Assert.Equal(gradients.Count, agreement.Compared);
        model.zero_grad();
    }

    private static void WeightsAgreeAfterSteps(ImageAutoencoder model, Objective objective, Dictionary<string, Tensor> given,
        string preset, OptimizerOptions options, Dictionary<string, Tensor> expected)
    {
        Load(model, given);
        using var flat = new FlatParameters(model);
        using var gradient = new FlatGradient(flat);
        flat.AccumulateInto(gradient);
        using var statistics = new BatchStatistics(model);
        using var optimizer = new FlatOptimizer(flat, options);
        var sums = zeros(Math.Max(statistics.Length, 1));
        var named = model.named_parameters().ToDictionary(pair => pair.name, pair => pair.parameter);

        for (long step = 0; step < given["images"].shape[0]; step++)
        {
            using var scope = NewDisposeScope();
            gradient.Flat.zero_();
            sums.zero_();
            statistics.BeforeForward();
            var terms = objective.Evaluate(given["images"].select(0, step), given["noise"].select(0, step), Beta);
            (terms.Total / (double)terms.Samples).backward();
            statistics.AddTo(sums, terms.Samples);
            foreach (var (name, start, count) in ZeroGradients.Of(preset))
                ZeroGradients.Part(named[name].grad!, start, count).zero_();
            statistics.Apply(sums, terms.Samples);
            optimizer.Step(gradient, options.Lr, optimizer.Norm(gradient));
        }

        var agreement = new Agreement(0);
        var state = model.state_dict();
        foreach (var (name, tensor) in state) agreement.Compare($"{options.Name}: {name}", tensor, expected[name]);
        agreement.AssertAll();
        Assert.Equal(expected.Count, state.Count);
        Assert.All(state, entry => Assert.False(entry.Key.EndsWith(".weight", StringComparison.Ordinal)
            && entry.Value.eq(given["weights/" + entry.Key]).all().item<bool>(), $"{entry.Key} has not moved"));
    }

    private static void Load(ImageAutoencoder model, Dictionary<string, Tensor> given)
    {
        using var guard = no_grad();
        var weights = Section(given, "weights/");
        var state = model.state_dict();
        Assert.Equal(weights.Keys.Order(), state.Keys.Order());
        foreach (var (name, tensor) in state) tensor.copy_(weights[name]);
    }

    private static Dictionary<string, Tensor> Section(Dictionary<string, Tensor> given, string prefix) => given
        .Where(entry => entry.Key.StartsWith(prefix, StringComparison.Ordinal))
        .ToDictionary(entry => entry.Key[prefix.Length..], entry => entry.Value);
}
