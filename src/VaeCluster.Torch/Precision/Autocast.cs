using System.Runtime.InteropServices;
using TorchSharp;
using VaeCluster.Torch.Native;

namespace VaeCluster.Torch;

/// <summary>What a step computes in; weights, gradients and optimizer state are always fp32.</summary>
public enum Precision
{
    Fp32,
    Bf16,
}

/// <summary>Mixed precision on this thread until disposed: convolutions and matrix products in bf16.</summary>
public readonly partial struct Autocast : IDisposable
{
    private readonly int cuda, before;

    private Autocast(int cuda, int before) => (this.cuda, this.before) = (cuda, before);

    /// <summary>Null for fp32.</summary>
    public static IDisposable? Begin(Precision precision, DeviceType device)
    {
        if (precision == Precision.Fp32) return null;
        if (!NativeAdditions.Available)
            throw new UserErrorException("train.precision bf16 needs the native additions (libvaecluster_torch.so), which could not be loaded. Use fp32.");
        var cuda = device == DeviceType.CUDA ? 1 : 0;
        NativeAdditions.Check(vct_autocast_bf16(cuda, 1, out var before));
        return new Autocast(cuda, before);
    }

    public void Dispose() => NativeAdditions.Check(vct_autocast_bf16(cuda, before, out _));

    [LibraryImport(NativeAdditions.Library)]
    private static partial int vct_autocast_bf16(int cuda, int enabled, out int wasEnabled);
}
