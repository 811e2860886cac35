using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Benchmarks;

/// <summary>Two convolutions and a linear layer, trained by SGD with momentum.</summary>
internal sealed class DigitClassifier : IDisposable
{
    private const double Momentum = 0.9;

    private readonly Parameter[] parameters;
    private readonly Tensor[] velocities;

    public DigitClassifier(int seed)
    {
        random.manual_seed(seed);
        long[][] shapes = [[16, 1, 3, 3], [16], [32, 16, 3, 3], [32], [10, 32 * 7 * 7], [10]];
        parameters = [.. shapes.Select(shape => new Parameter(shape.Length == 1 ? zeros(shape) : randn(shape) * Math.Sqrt(2.0 / shape[1..].Aggregate(1L, (a, b) => a * b))))];
        velocities = [.. parameters.Select(parameter => zeros(parameter.shape))];
        foreach (var tensor in parameters.Concat(velocities)) tensor.DetachFromDisposeScope();
    }

    /// <summary>One step.</summary>
    /// <param name="images">[B, 1, 28, 28]</param>
    /// <param name="labels">[B], whole numbers.</param>
    public void Learn(Tensor images, Tensor labels, double learningRate)
    {
        nn.functional.cross_entropy(Logits(images), labels).backward();
        using var guard = no_grad();
        foreach (var (parameter, velocity) in parameters.Zip(velocities))
        {
            velocity.mul_(Momentum).add_(parameter.grad!);
            parameter.sub_(velocity * learningRate);
            parameter.grad!.zero_();
        }
    }

    /// <summary>The share of images whose label it finds.</summary>
    public double Accuracy(Tensor images, Tensor labels)
    {
        using var guard = no_grad();
        using var scope = NewDisposeScope();
        return Logits(images).argmax(1).eq(labels).to(ScalarType.Float64).mean().item<double>();
    }

    public void Dispose()
    {
        foreach (var tensor in parameters.Concat(velocities)) tensor.Dispose();
    }

    private Tensor Logits(Tensor images)
    {
        var x = nn.functional.conv2d(images, parameters[0], parameters[1], strides: [2, 2], padding: [1, 1]).relu(); // [B, 16, 14, 14]
        x = nn.functional.conv2d(x, parameters[2], parameters[3], strides: [2, 2], padding: [1, 1]).relu(); // [B, 32, 7, 7]
        return nn.functional.linear(x.flatten(1), parameters[4], parameters[5]);
    }
}
