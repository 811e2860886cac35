using System.Buffers.Binary;
using VaeCluster.Checkpoints;
using VaeCluster.Worker.Training;
using static TorchSharp.torch;

namespace VaeCluster.Worker.Checkpoints;

/// <summary>
/// Everything that the next step depends on, under the names that it has in a checkpoint's files: parameters and buffers; the
/// optimizer's buffers by parameter (mean/NAME, square/NAME, momentum/NAME) with its counters; the moving average by parameter.
/// By name and not as flat buffers, so that a checkpoint does not depend on their layout.
/// </summary>
internal sealed class StateTensors : IDisposable
{
    private const string Updates = "updates";
    private const string Skipped = "skipped";

    private readonly TrainingState state;
    private readonly List<(string Name, Tensor Tensor)> weights, optimizer;
    private readonly List<(string Name, Tensor Tensor)>? ema;
    private readonly List<CheckpointTensor> savedWeights, savedOptimizer;
    private readonly List<CheckpointTensor>? savedEma;

    public StateTensors(TrainingState state)
    {
        this.state = state;
        weights = [.. state.Model.state_dict().Select(pair => (pair.Key, pair.Value))];
        optimizer = [.. state.Optimizer.State.SelectMany(buffer => Views(buffer.Value, buffer.Key + "/"))];
        ema = state.Optimizer.Ema is { } average ? [.. Views(average, "")] : null;
        savedWeights = [.. weights.Select(ToSave)];
        savedOptimizer =
        [
            .. optimizer.Select(ToSave),
            Counter(Updates, () => state.Optimizer.Updates),
            Counter(Skipped, () => state.Skipped),
        ];
        savedEma = ema?.Select(ToSave).ToList();
    }

    public TrainingState State => state;

    /// <summary>What is to be copied; nothing is yet.</summary>
    public CheckpointSnapshot Snapshot(CheckpointMetadata metadata) => new(metadata, savedWeights, savedOptimizer, savedEma);

    /// <summary>Into the model, the optimizer, the average and the counters; all is checked before anything is changed.</summary>
    /// <exception cref="UserErrorException">The files hold other tensors than this model and optimizer have.</exception>
    public void Load(LoadedCheckpoint checkpoint)
    {
        if (checkpoint.Ema is null != ema is null)
            throw new UserErrorException($"{checkpoint.Name}: {CheckpointFile.Ema} is {(ema is null ? "there, but optimizer.ema_decay is 0" : "missing")}.");
        TensorFiles.Check(checkpoint.Weights, savedWeights);
        TensorFiles.Check(checkpoint.Optimizer, savedOptimizer);
        if (ema is not null) TensorFiles.Check(checkpoint.Ema!, savedEma!);

        TensorFiles.Read(checkpoint.Weights, weights);
        TensorFiles.Read(checkpoint.Optimizer, optimizer);
        if (ema is not null) TensorFiles.Read(checkpoint.Ema!, ema);
        state.Optimizer.Updates = Read(checkpoint.Optimizer, Updates);
        state.Skipped = checked((int)Read(checkpoint.Optimizer, Skipped));
        state.Step = checkpoint.Metadata.Step;
    }

    public void Dispose()
    {
        // The weights are the model's own.
        foreach (var (_, view) in optimizer.Concat(ema ?? [])) view.Dispose();
    }

    private IEnumerable<(string Name, Tensor Tensor)> Views(Tensor flat, string prefix) => state.Parameters.Layout.Parameters
        .Select(entry => (prefix + entry.Name, Torch.FlatParameters.View(flat, entry).DetachFromDisposeScope()));

    private static CheckpointTensor ToSave((string Name, Tensor Tensor) entry) => TensorFiles.ToSave(entry.Name, entry.Tensor);

    private static CheckpointTensor Counter(string name, Func<long> value) =>
        new(name, SafetensorsType.I64, [], destination => BinaryPrimitives.WriteInt64LittleEndian(destination, value()));

    private static long Read(SafetensorsFile file, string name) => BinaryPrimitives.ReadInt64LittleEndian(file.Bytes(file.Find(name)!));
}
