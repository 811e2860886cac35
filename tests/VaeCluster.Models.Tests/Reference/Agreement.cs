using System.Text;
using static TorchSharp.torch;

namespace VaeCluster.Models.Tests.Reference;

/// <summary>
/// Collects tensors that differ from the reference by more than 1e-5 of it, as norms; a tensor that is small beside the
/// gradient as a whole may differ by 1e-5 of a thousandth of that.
/// </summary>
internal sealed class Agreement(double globalNorm)
{
    private const double Tolerance = 1e-5;
    private const double Floor = 1e-3;

    private readonly StringBuilder _differences = new();

    public int Compared { get; private set; }

    public void Compare(string name, Tensor actual, Tensor reference)
    {
        using var scope = NewDisposeScope();
        Compared++;
        if (!actual.shape.SequenceEqual(reference.shape))
        {
            _differences.AppendLine($"{name}: [{string.Join(", ", actual.shape)}] instead of [{string.Join(", ", reference.shape)}]");
            return;
        }
        var size = Norm(reference);
        var difference = Norm(actual.detach().to(ScalarType.Float64) - reference.to(ScalarType.Float64));
        // Not "greater than": NaN is a difference.
        if (!(difference <= Tolerance * Math.Max(size, Floor * globalNorm)))
            _differences.AppendLine($"{name}: differs by {difference:g3} of {size:g3}");
    }

    public void AssertAll() => Assert.True(_differences.Length == 0, $"of {Compared} tensors\n{_differences}");

    public static double Norm(Tensor tensor)
    {
        using var scope = NewDisposeScope();
        return Math.Sqrt(tensor.detach().to(ScalarType.Float64).square().sum().item<double>());
    }
}
