using TorchSharp;
using VaeCluster.Collectives;
using VaeCluster.Torch;

namespace VaeCluster.Worker.Training;

/// <summary>Gradient buffers where other members of this host can read them: then what backward writes is summed from there.</summary>
internal static class GradientMemory
{
    /// <summary>In the arena where there is one, the device computes in memory, and libtorch can be given memory.</summary>
    public static FlatGradient NewGradient(this FlatParameters parameters, IFloatArena? arena)
    {
        var length = parameters.Layout.Length;
        if (arena is null || parameters.Weights.device_type != DeviceType.CPU || length > FloatMemory.LongestCount || !ExternalMemory.IsAvailable)
        {
            return new FlatGradient(parameters);
        }
        var memory = FloatMemory.Allocate((int)length, arena);
        return new FlatGradient(parameters, new ExternalMemory(memory.Address, memory));
    }
}
