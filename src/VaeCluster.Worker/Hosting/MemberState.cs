using System.Runtime.InteropServices;
using System.Security.Cryptography;
using TorchSharp;
using VaeCluster.Worker.State;
using VaeCluster.Worker.Training;
using static TorchSharp.torch;

namespace VaeCluster.Worker.Hosting;

/// <summary>
/// The state that all members have in common after a step (weights, optimizer, average, the model's buffers, counters), as
/// it is copied from member to member and compared by its hash.
/// </summary>
internal static class MemberState
{
    private const string Counters = "counters";

    public static StateLayout LayoutOf(TrainingState state) =>
        new([.. Tensors(state).Select(part => (part.Name, part.Tensor.NumberOfElements * part.Tensor.ElementSize)), (Counters, 3 * sizeof(long))]);

    public static void Fill(TrainingState state, StateSnapshot snapshot)
    {
        using var _ = NewDisposeScope();
        foreach (var (name, tensor) in Tensors(state)) OnHost(tensor).bytes.CopyTo(snapshot[name]);
        CountersOf(state).CopyTo(MemoryMarshal.Cast<byte, long>(snapshot[Counters]));
    }

    /// <summary>Back to what the seed gives.</summary>
    public static void Begin(TrainingParts parts)
    {
        using var first = parts.FirstState();
        using var snapshot = new StateSnapshot(LayoutOf(first), 0);
        Fill(first, snapshot);
        Load(parts.State, snapshot);
    }

    public static void Load(TrainingState state, StateSnapshot snapshot)
    {
        using var _ = NewDisposeScope();
        using var __ = no_grad();
        foreach (var (name, tensor) in Tensors(state))
        {
            if (tensor.device_type == DeviceType.CPU)
            {
                snapshot[name].CopyTo(tensor.bytes);
                continue;
            }
            var host = tensor.cpu();
            snapshot[name].CopyTo(host.bytes);
            tensor.copy_(host);
        }
        var counters = MemoryMarshal.Cast<byte, long>(snapshot[Counters]);
        (state.Step, state.Skipped, state.Optimizer.Updates) = (counters[0], (int)counters[1], counters[2]);
    }

    /// <summary>SHA-256 over all of it.</summary>
    public static byte[] Hash(TrainingState state)
    {
        using var _ = NewDisposeScope();
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (var (_, tensor) in Tensors(state)) hash.AppendData(OnHost(tensor).bytes);
        hash.AppendData(MemoryMarshal.AsBytes<long>(CountersOf(state)));
        return hash.GetHashAndReset();
    }

    private static long[] CountersOf(TrainingState state) => [state.Step, state.Skipped, state.Optimizer.Updates];

    private static IEnumerable<(string Name, Tensor Tensor)> Tensors(TrainingState state)
    {
        yield return ("weights", state.Parameters.Weights);
        foreach (var (name, tensor) in state.Optimizer.State.OrderBy(part => part.Key, StringComparer.Ordinal)) yield return ($"optimizer {name}", tensor);
        if (state.Optimizer.Ema is { } average) yield return ("average", average);
        foreach (var (name, buffer) in state.Model.named_buffers().OrderBy(part => part.name, StringComparer.Ordinal)) yield return ($"buffer {name}", buffer);
    }

    private static Tensor OnHost(Tensor tensor) => tensor.device_type == DeviceType.CPU ? tensor : tensor.cpu();
}
