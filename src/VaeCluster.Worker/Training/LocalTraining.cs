using VaeCluster.Checkpoints;
using VaeCluster.Config;
using VaeCluster.Data;
using VaeCluster.Data.Pipeline;
using VaeCluster.Data.Splits;
using VaeCluster.Torch;
using static TorchSharp.torch;

namespace VaeCluster.Worker.Training;

/// <summary>A run in one process: the step of a cluster, with a plan of one member.</summary>
public sealed class LocalTraining : IDisposable
{
    private readonly DataSet data;
    private readonly SlotPipeline images;
    private readonly TrainingState state;
    private readonly TrainingStep step;
    private readonly PipelineOptions? validation;

    /// <summary>Opens the data and builds the model; nothing is trained yet.</summary>
    /// <exception cref="UserErrorException">The data or the configuration can't be trained.</exception>
    public LocalTraining(RunConfig config, CancellationToken cancellation = default)
    {
        TorchRuntime.Start(config.Train.Threads, config.Train.Deterministic);
        data = DataSet.Open(config.Data, cancellation: cancellation);
        var samples = data.Manifest.Count(Split.Train);
        if (samples < config.Train.Slots)
        {
            throw new UserErrorException($"data.source: {config.Data.Source} has {samples} training images, fewer than train.slots = "
                + $"{config.Train.Slots}. Give it more images, or the run fewer slots.");
        }

        var (batch, slots, seed) = (config.Train.Batch, config.Train.Slots, (ulong)config.Train.Seed);
        var order = new Data.Order.StepSamples(samples, batch, slots, seed, config.Data.Shuffle);
        state = new TrainingState(config, CPU, order.StepsPerEpoch);
        var shape = Shape(state.Model);
        var training = PipelineOptions.Training(data, shape, batch, slots, seed);
        images = new SlotPipeline(data, training);
        images.Aim(0, slots, state.Step, state.TotalSteps);
        step = new TrainingStep(state, training.Samples);
        if (data.Manifest.Count(Split.Validation) > 0) validation = PipelineOptions.Validation(data, shape, batch, slots, seed);
    }

    internal TrainingState State => state;

    internal TrainingStep Computation => step;

    internal SlotPipeline Images => images;

    /// <summary>Steps done.</summary>
    public long Step => state.Step;

    public long TotalSteps => state.TotalSteps;

    public long StepsPerEpoch => state.StepsPerEpoch;

    /// <summary>Samples of a step, but for the last one of an epoch.</summary>
    public int Batch => state.Config.Train.Batch;

    public long ParameterCount => state.Model.ParameterCount;

    public string ManifestId => data.Manifest.Id;

    public string Fingerprint =>
        $"{TorchRuntime.Fingerprint(state.Config.Train.Precision.ToString().ToLowerInvariant())}; {DataSet.DecoderVersion}";

    /// <summary>After the step just done: an epoch's end, a multiple of the steps, or the end of the run.</summary>
    public bool ValidationDue
    {
        get
        {
            if (validation is null || Step == 0) return false;
            var train = state.Config.Train;
            return Step == TotalSteps
                || (train.ValidateSteps > 0 && Step % train.ValidateSteps == 0)
                || (train.ValidateEpochs > 0 && Step % (StepsPerEpoch * train.ValidateEpochs) == 0);
        }
    }

    /// <exception cref="UserErrorException">The gradient has not been finite for too many steps in a row.</exception>
    public StepOutcome RunStep(CancellationToken cancellation)
    {
        var outcome = step.Run(images, cancellation);
        if (state.Skipped >= state.Config.Train.SkipLimit)
        {
            throw new UserErrorException($"The gradient was not finite in {state.Skipped} steps in a row, the last one step {outcome.Step}. "
                + "Lower optimizer.lr, set optimizer.clip_norm, or look for broken values in the data.");
        }
        return outcome;
    }

    /// <summary>The losses over the validation split, or its first train.validate_samples.</summary>
    public ValidationOutcome Validate(CancellationToken cancellation)
    {
        var options = validation ?? throw new InvalidOperationException("There are no validation samples.");
        if (state.Config.Train.ValidateSamples is { } most && most < options.Samples.Samples)
            options = options with { Samples = options.Samples with { Samples = most } };
        using var pipeline = new SlotPipeline(data, options);
        pipeline.Aim(0, options.Samples.Slots, 0, options.Samples.StepsPerEpoch);
        return step.Validate(options.Samples, pipeline, cancellation);
    }

    /// <summary>Grids of reconstructions (from the validation split where there is one) and of samples from the prior.</summary>
    /// <param name="pathOf">The path of a picture by its name.</param>
    public void WritePictures(Func<string, string> pathOf, CancellationToken cancellation)
    {
        var options = validation ?? PipelineOptions.Training(data, Shape(state.Model), state.Config.Train.Batch, 1, 0) with { Augment = false };
        var shown = (int)Math.Min(Pictures.Count, options.Samples.Samples);
        options = options with { Samples = options.Samples with { Batch = shown, Slots = 1 } };
        using var pipeline = new SlotPipeline(data, options);
        pipeline.Aim(0, 1, 0, 1);
        using var batch = pipeline.Take(0, 0, cancellation);
        using var pixels = step.Images(batch);
        Pictures.WriteReconstructions(state.Model, pixels, pathOf("reconstructions"));
        Pictures.WriteSamples(state.Model, state.Config.Train.Seed, pathOf("samples"));
    }

    public string WeightsSha256() => state.WeightsSha256();

    /// <summary>Parameters and buffers, under their names in PyTorch.</summary>
    public void SaveWeights(string path)
    {
        var tensors = state.Model.state_dict();
        using var _ = NewDisposeScope();
        var entries = tensors.Select(pair => new SafetensorsDeclaration(pair.Key,
            pair.Value.dtype == ScalarType.Int64 ? SafetensorsType.I64 : SafetensorsType.F32, pair.Value.shape)).ToList();
        using var stream = File.Create(path);
        using var writer = new SafetensorsWriter(stream, entries, new Dictionary<string, string> { ["format"] = "pt" });
        foreach (var (name, tensor) in tensors) writer.Write(name, tensor.detach().cpu().contiguous().bytes);
        writer.Complete();
    }

    public void Dispose()
    {
        step.Dispose();
        images.Dispose();
        state.Dispose();
        data.Dispose();
    }

    private static ImageShape Shape(Models.ImageAutoencoder model)
    {
        var input = model.InputShape;
        var range = model.PixelRange == Models.PixelRange.ZeroToOne ? PixelRange.ZeroToOne : PixelRange.MinusOneToOne;
        return new ImageShape((int)input.Channels, (int)input.Height, range);
    }
}
