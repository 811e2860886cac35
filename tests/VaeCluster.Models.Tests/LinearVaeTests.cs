using TorchSharp.Modules;
using VaeCluster.Models.Objectives;
using VaeCluster.Torch;
using static TorchSharp.torch;

namespace VaeCluster.Models.Tests;

/// <summary>
/// Objective and optimizer together against a closed form: the maximum likelihood of probabilistic PCA (Tipping and Bishop
/// 1999), which a linear VAE with a learned output variance reaches exactly (Lucas et al. 2019).
/// </summary>
[Collection(OneThread.Name)]
public class LinearVaeTests
{
    private const int Samples = 256;
    private const int Steps = 3000;
    private const double Rate = 0.02;

    // Of the covariance of the data; two principal components, and the variance to learn is the mean of the others.
    private static readonly double[] Eigenvalues = [4, 2, 0.5, 0.4, 0.3, 0.2];
    private const int Latents = 2;

    [Fact]
    public void Training_LinearVae_ReachesProbabilisticPca()
    {
        manual_seed(5);
        using var scope = NewDisposeScope();
        var images = DataWithCovariance(Eigenvalues);
        using var model = new LinearVae(Eigenvalues.Length, Latents);

        Train(model, images);

        var (bound, optimum) = (NegativeElbo(model, images), Optimum());
        Assert.InRange(bound, optimum * (1 - 1e-5), optimum * 1.001);
        Assert.Equal(Eigenvalues[Latents..].Average(), Math.Exp(model.LogVariance.item<float>()), 0.01);
    }

    /// <summary>Negative log likelihood a sample at the optimum.</summary>
    private static double Optimum()
    {
        var noise = Eigenvalues[Latents..].Average();
        var d = Eigenvalues.Length;
        return 0.5 * (d * Math.Log(2 * Math.PI) + Eigenvalues[..Latents].Sum(Math.Log) + (d - Latents) * Math.Log(noise) + d);
    }

    private static void Train(LinearVae model, Tensor images)
    {
        using var flat = new FlatParameters(model);
        using var gradient = new FlatGradient(flat);
        flat.AccumulateInto(gradient);
        using var optimizer = new FlatOptimizer(flat, new OptimizerOptions { Lr = Rate });
        var schedule = new LearningRateSchedule(Rate, new ScheduleOptions { Kind = ScheduleKind.Cosine }, StepsPerEpoch: 1, RunSteps: Steps);
        var objective = new Objective(model, new() { Recon = Recon.Squared });
        for (var step = 0; step < Steps; step++)
        {
            using var scope = NewDisposeScope();
            gradient.Flat.zero_();
            var variance = Math.Exp(model.LogVariance.item<float>());

            // -log p(x|z) = recon / (2 v) + d/2 log(2 pi v). In the weights that is recon + 2 v KL, over 2 v ...
            var terms = objective.Evaluate(images, randn(model.LatentShape.Batch(Samples)), beta: 2 * variance);
            var weights = terms.Total / (2 * variance);
            // ... and in v what stands here.
            var output = terms.Recon * (-model.LogVariance).exp() / 2 + model.LogVariance * (Samples * Eigenvalues.Length / 2.0);
            ((weights + output) / Samples).sum().backward();
            optimizer.Step(gradient, schedule.At(step), optimizer.Norm(gradient));
        }
    }

    /// <summary>A sample's bound, with the expectation over z in closed form instead of drawn.</summary>
    private static double NegativeElbo(LinearVae model, Tensor images)
    {
        using var guard = no_grad();
        using var scope = NewDisposeScope();
        var atMean = new Objective(model, new()).Evaluate(images, noise: null, beta: 0).Read();
        var (mean, logVariance) = model.Encode(images);
        // E|x - W z|^2 = |x - W m|^2 + the sum of var_j |W_j|^2.
        var spread = (logVariance!.exp().flatten(1) * model.DecoderWeight.square().sum(dim: 0)).sum().item<float>();
        var kl = ((mean.square() + logVariance.exp() - 1 - logVariance) * 0.5).sum().item<float>();
        Assert.Equal(kl, atMean.Kl, Math.Abs(kl) * 1e-5);
        var logOutput = model.LogVariance.item<float>();
        return (atMean.Recon + spread) / (2 * Math.Exp(logOutput) * Samples) + atMean.Kl / Samples
            + 0.5 * Eigenvalues.Length * (Math.Log(2 * Math.PI) + logOutput);
    }

    /// <summary>Samples whose mean is not zero and whose covariance has exactly these eigenvalues, in a random basis.</summary>
    private static Tensor DataWithCovariance(double[] eigenvalues)
    {
        var random = new Random(11);
        var d = eigenvalues.Length;
        // Orthogonal to a column of ones: the mean is zero before it is moved.
        var columns = Orthonormal([Enumerable.Repeat(1.0, Samples).ToArray(), .. Columns(d, Samples)])[1..];
        var basis = Orthonormal(Columns(d, d));
        var data = new float[Samples * d];
        for (var i = 0; i < Samples; i++)
        {
            for (var j = 0; j < d; j++)
            {
                var value = j - 1.5;
                for (var k = 0; k < d; k++) value += Math.Sqrt(Samples * eigenvalues[k]) * columns[k][i] * basis[k][j];
                data[i * d + j] = (float)value;
            }
        }
        return tensor(data).view(Samples, d, 1, 1);

        double[][] Columns(int count, int length) =>
            [.. Enumerable.Range(0, count).Select(_ => Enumerable.Range(0, length).Select(_ => random.NextDouble() - 0.5).ToArray())];
    }

    /// <summary>Gram-Schmidt, in place.</summary>
    private static double[][] Orthonormal(double[][] vectors)
    {
        for (var i = 0; i < vectors.Length; i++)
        {
            for (var j = 0; j < i; j++)
            {
                var along = vectors[i].Zip(vectors[j], (a, b) => a * b).Sum();
                for (var n = 0; n < vectors[i].Length; n++) vectors[i][n] -= along * vectors[j][n];
            }
            var length = Math.Sqrt(vectors[i].Sum(value => value * value));
            for (var n = 0; n < vectors[i].Length; n++) vectors[i][n] /= length;
        }
        return vectors;
    }

    private sealed class LinearVae : ImageAutoencoder
    {
        private readonly Linear _moments, _decoder;

        public LinearVae(int size, int latents) : base("LinearVae", new(size, 1, 1), new(latents, 1, 1), variational: true)
        {
            _moments = Add("moments", nn.Linear(size, 2 * latents));
            _decoder = Add("decoder", nn.Linear(latents, size));
            LogVariance = new Parameter(zeros(1));
            register_parameter("log_variance", LogVariance);
        }

        /// <summary>Log of the output's variance, the same for every pixel.</summary>
        public Parameter LogVariance { get; }

        public Tensor DecoderWeight => _decoder.weight!;

        public override long ForwardFlops => 0;

        protected override (Tensor Mean, Tensor? LogVariance) Moments(Tensor images)
        {
            var halves = _moments.forward(images.flatten(1)).chunk(2, dim: 1);
            return (halves[0].view(-1, Latents, 1, 1), halves[1].view(-1, Latents, 1, 1));
        }

        protected override Tensor Reconstruct(Tensor latents) =>
            _decoder.forward(latents.flatten(1)).view(InputShape.Batch(latents.shape[0]));
    }
}
