using VaeCluster.Checkpoints;
using VaeCluster.Config;
using VaeCluster.Data.Pipeline;
using VaeCluster.Models;
using VaeCluster.Worker.Checkpoints;
using static TorchSharp.torch;

namespace VaeCluster.Worker.Training;

/// <summary>A run in one process: the step of a cluster, with a plan of one member.</summary>
public sealed class LocalTraining : IDisposable
{
    private readonly TrainingParts parts;

    /// <summary>Opens the data and builds the model; nothing is trained yet.</summary>
    /// <exception cref="UserErrorException">The data or the configuration can't be trained.</exception>
    public LocalTraining(RunConfig config, CancellationToken cancellation = default)
    {
        parts = new TrainingParts(config, CPU, cancellation);
        Images.Aim(0, config.Train.Slots, State.Step, State.TotalSteps);
    }

    /// <summary>To be saved between two steps.</summary>
    public TrainingState State => parts.State;

    internal TrainingStep Computation => parts.Step;

    internal SlotPipeline Images => parts.Images;

    /// <summary>Steps done.</summary>
    public long Step => State.Step;

    public long TotalSteps => State.TotalSteps;

    public long StepsPerEpoch => State.StepsPerEpoch;

    /// <summary>Samples of a step, but for the last one of an epoch.</summary>
    public int Batch => State.Config.Train.Batch;

    public long ParameterCount => State.Model.ParameterCount;

    /// <summary>Of the model, for one image.</summary>
    public long ForwardFlops => State.Model.ForwardFlops;

    public string ManifestId => parts.Data.Manifest.Id;

    public string Fingerprint => string.Join("; ", parts.Fingerprint.Select(part => part.Value));

    /// <summary>After the step just done: an epoch's end, a multiple of the steps, or the end of the run.</summary>
    public bool ValidationDue => parts.Rounds.ValidatesAfter(Step);

    /// <summary>Goes on from a checkpoint, before the first step.</summary>
    /// <returns>False where there is none: the run starts at step 0.</returns>
    /// <exception cref="UserErrorException">It can't be loaded into this run.</exception>
    public bool Restore(RunCheckpoints checkpoints, CheckpointChoice choice, CancellationToken cancellation)
    {
        if (checkpoints.RestoreAsync(State, choice, cancellation).GetAwaiter().GetResult() is not { } step) return false;
        Images.Aim(0, State.Config.Train.Slots, step, State.TotalSteps);
        return true;
    }

    /// <summary>Weights from elsewhere, before the first step; the moving average starts from them too.</summary>
    /// <param name="load">Puts them into the model.</param>
    public void LoadWeights(Action<ImageAutoencoder> load)
    {
        ArgumentNullException.ThrowIfNull(load);
        load(State.Model);
        using var _ = no_grad();
        State.Optimizer.Ema?.copy_(State.Parameters.Weights);
    }

    /// <inheritdoc cref="TrainingParts.LatentDeviation"/>
    public double LatentDeviation(long most, CancellationToken cancellation) => parts.LatentDeviation(most, cancellation);

    /// <exception cref="UserErrorException">The gradient has not been finite for too many steps in a row.</exception>
    public StepOutcome RunStep(CancellationToken cancellation)
    {
        var outcome = Computation.Run(Images, cancellation);
        State.ThrowIfStuck();
        return outcome;
    }

    /// <summary>The losses over the validation split, or its first train.validate_samples.</summary>
    public ValidationOutcome Validate(CancellationToken cancellation)
    {
        var (validation, images) = parts.Validate(0, State.Config.Train.Slots);
        using (images) return validation.Run(images, cancellation);
    }

    /// <inheritdoc cref="TrainingParts.WritePictures"/>
    public void WritePictures(Func<string, string> pathOf, CancellationToken cancellation) => parts.WritePictures(pathOf, cancellation);

    /// <summary>The model's layers, with what the first micro-batch of the next step gives them. The caller disposes their inputs.</summary>
    internal IReadOnlyList<ModelLayer> Layers(CancellationToken cancellation) => Computation.Layers(Images, cancellation);

    public string WeightsSha256() => State.WeightsSha256();

    /// <inheritdoc cref="TrainingParts.SaveWeights"/>
    public void SaveWeights(string path) => parts.SaveWeights(path);

    public void Dispose() => parts.Dispose();
}
