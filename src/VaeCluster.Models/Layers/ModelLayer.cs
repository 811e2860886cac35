using static TorchSharp.torch;

namespace VaeCluster.Models;

/// <summary>A layer of a model, with what a forward pass gave it.</summary>
/// <param name="Name">In state_dict, "encoder.stages.0".</param>
/// <param name="Module">Takes the input.</param>
/// <param name="Input">[B, C, H, W], cut off from what led to it; it asks for a gradient where it would have one. The caller disposes it.</param>
/// <param name="Output">The shape of what comes out, of one sample.</param>
/// <param name="ForwardFlops">Multiplications and additions for one sample.</param>
public sealed record ModelLayer(string Name, nn.Module<Tensor, Tensor> Module, Tensor Input, SampleShape Output, long ForwardFlops);
