using System.Runtime.InteropServices;
using TorchSharp.Modules;
using VaeCluster.Torch.Native;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace VaeCluster.Torch;

/// <summary>
/// Group normalisation in fp32 whatever the input is, and on request the SiLU behind it, with GroupNorm's parameter names. On
/// the CPU both are one operation on channels-last images, which keeps nothing for backward but its input.
/// </summary>
public sealed partial class GroupNormSilu : Module<Tensor, Tensor>
{
    private readonly long groups;
    private readonly double eps;
    private readonly bool silu;
    private readonly Parameter weight, bias; // [channels]

    public GroupNormSilu(long groups, long channels, double eps, bool silu = true) : base(nameof(GroupNormSilu))
    {
        (this.groups, this.eps, this.silu) = (groups, eps, silu);
        weight = new Parameter(ones(channels));
        bias = new Parameter(zeros(channels));
        RegisterComponents();
    }

    public long Groups => groups;

    public double Eps => eps;

    public bool HasSilu => silu;

    /// <summary>[channels]</summary>
    public Tensor Weight => weight;

    /// <summary>[channels]</summary>
    public Tensor Bias => bias;

    /// <param name="input">[B, channels, H, W]</param>
    public override Tensor forward(Tensor input)
    {
        using var scope = NewDisposeScope();
        var x = input.to(ScalarType.Float32);
        if (x.device_type == TorchSharp.DeviceType.CPU && NativeAdditions.Available)
        {
            NativeAdditions.Check(vct_group_norm(x.Handle, weight.Handle, bias.Handle, groups, eps, silu ? 1 : 0, out var result));
            return Tensor.UnsafeCreateTensor(result).MoveToOuterDisposeScope();
        }
        var normalised = functional.group_norm(x, groups, weight, bias, eps);
        return (silu ? functional.silu(normalised) : normalised).MoveToOuterDisposeScope();
    }

    [LibraryImport(NativeAdditions.Library)]
    private static partial int vct_group_norm(nint input, nint weight, nint bias, long groups, double eps, int silu, out nint result);
}
