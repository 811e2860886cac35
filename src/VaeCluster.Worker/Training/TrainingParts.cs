using VaeCluster.Checkpoints;
using VaeCluster.Collectives;
using VaeCluster.Config;
using VaeCluster.Data;
using VaeCluster.Data.Order;
using VaeCluster.Data.Pipeline;
using VaeCluster.Data.Splits;
using VaeCluster.Torch;
using static TorchSharp.torch;

namespace VaeCluster.Worker.Training;

/// <summary>What a process needs to train: the opened data with its order and pipeline, the state, the step.</summary>
internal sealed class TrainingParts : IDisposable
{
    private readonly PipelineOptions training;
    private readonly PipelineOptions? validation;

    /// <summary>Opens the data and builds the model in the state that the seed gives; nothing is trained yet.</summary>
    /// <exception cref="UserErrorException">The data or the configuration can't be trained.</exception>
    public TrainingParts(RunConfig config, Device device, CancellationToken cancellation, IFloatArena? arena = null)
    {
        TorchRuntime.Start(config.Train.Threads, config.Train.Deterministic);
        (Config, Device) = (config, device);
        Data = DataSet.Open(config.Data, cancellation: cancellation);
        Order = config.OrderOf(Data.Manifest);
        var (batch, slots, seed) = (config.Train.Batch, config.Train.Slots, (ulong)config.Train.Seed);
        State = FirstState();
        training = PipelineOptions.Training(Data, Shape(State.Model), batch, slots, seed);
        Images = new SlotPipeline(Data, training);
        Step = new TrainingStep(State, Order, arena);
        if (Data.Manifest.Count(Split.Validation) > 0)
        {
            validation = PipelineOptions.Validation(Data, Shape(State.Model), batch, slots, seed);
            if (config.Train.ValidateSamples is { } most && most < validation.Samples.Samples)
                validation = validation with { Samples = validation.Samples with { Samples = most } };
        }
        Rounds = new RoundOrder(config.Train, Order.StepsPerEpoch, State.TotalSteps, validation is not null);
    }

    public RunConfig Config { get; }

    public Device Device { get; }

    public DataSet Data { get; }

    public StepSamples Order { get; }

    public RoundOrder Rounds { get; }

    /// <summary>Of the training split. To be aimed.</summary>
    public SlotPipeline Images { get; }

    public TrainingState State { get; }

    public TrainingStep Step { get; }

    /// <summary>What this process' bits depend on, by name.</summary>
    public IReadOnlyList<KeyValuePair<string, string>> Fingerprint =>
    [
        .. TorchRuntime.Fingerprint(Config.Train.Precision.ToString().ToLowerInvariant(), Device),
        new("image decoder", DataSet.DecoderVersion),
    ];

    /// <summary>The state that the seed gives, anew; the caller disposes it.</summary>
    public TrainingState FirstState() => new(Config, Device, Order.StepsPerEpoch);

    /// <summary>Whether a slot has no samples in a round.</summary>
    public bool IsEmpty(long round, int slot)
    {
        var (isValidation, steps) = Rounds.At(round);
        return isValidation ? Validation.IsEmpty(validation!.Samples, slot) : Order.CountOf(steps, slot) == 0;
    }

    /// <summary>A validation, and the pipeline that it takes its images from, aimed at a range of slots; the caller disposes that.</summary>
    public (Validation Validation, SlotPipeline Images) Validate(int firstSlot, int slots)
    {
        var options = validation ?? throw new InvalidOperationException("There are no validation samples.");
        var pipeline = new SlotPipeline(Data, options);
        pipeline.Aim(firstSlot, slots, 0, options.Samples.StepsPerEpoch);
        return (Step.Validation(options.Samples), pipeline);
    }

    /// <summary>Grids of reconstructions (from the validation split where there is one) and of samples from the prior.</summary>
    /// <param name="pathOf">The path of a picture by its name.</param>
    /// <param name="cancellation">Gives it up.</param>
    public void WritePictures(Func<string, string> pathOf, CancellationToken cancellation)
    {
        var options = validation ?? training with { Augment = false };
        var shown = (int)Math.Min(Pictures.Count, options.Samples.Samples);
        options = options with { Samples = options.Samples with { Batch = shown, Slots = 1 } };
        using var pipeline = new SlotPipeline(Data, options);
        pipeline.Aim(0, 1, 0, 1);
        using var batch = pipeline.Take(0, 0, cancellation);
        using var pixels = Step.Images(batch);
        Pictures.WriteReconstructions(State.Model, pixels, pathOf("reconstructions"));
        Pictures.WriteSamples(State.Model, Config.Train.Seed, pathOf("samples"));
    }

    /// <summary>
    /// The standard deviation of the latents of training images, over all their elements: what latent diffusion scales them by
    /// (Rombach et al. 2022, appendix G). Over their distribution and not over a draw from it, so that no noise is in it.
    /// </summary>
    /// <param name="most">Images at most: those of the first epoch's start, without augmentation.</param>
    /// <param name="cancellation">Gives it up.</param>
    public double LatentDeviation(long most, CancellationToken cancellation)
    {
        const int atOnce = 16;
        var images = (int)Math.Min(most, training.Samples.Samples);
        var options = training with { Augment = false, Samples = training.Samples with { Batch = Math.Min(atOnce, images), Slots = 1 } };
        var steps = (images + options.Samples.Batch - 1) / options.Samples.Batch;
        using var pipeline = new SlotPipeline(Data, options);
        pipeline.Aim(0, 1, 0, steps);
        var (sum, squares, count) = (0.0, 0.0, 0L);
        State.Model.eval();
        for (var step = 0; step < steps; step++)
        {
            using var scope = NewDisposeScope();
            using var _ = no_grad();
            using var batch = pipeline.Take(step, 0, cancellation);
            var (mean, logVariance) = State.Model.Encode(Step.Images(batch));
            var exact = mean.to(ScalarType.Float64);
            var second = exact.square().sum();
            if (logVariance is not null) second = second + logVariance.to(ScalarType.Float64).exp().sum();
            sum += exact.sum().item<double>();
            squares += second.item<double>();
            count += mean.numel();
        }
        State.Model.train();
        return Math.Sqrt(squares / count - sum / count * (sum / count));
    }

    /// <summary>Parameters and buffers, under their names in PyTorch.</summary>
    public void SaveWeights(string path)
    {
        var tensors = State.Model.state_dict();
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
        Step.Dispose();
        Images.Dispose();
        State.Dispose();
        Data.Dispose();
    }

    private static ImageShape Shape(Models.ImageAutoencoder model)
    {
        var input = model.InputShape;
        var range = model.PixelRange == Models.PixelRange.ZeroToOne ? PixelRange.ZeroToOne : PixelRange.MinusOneToOne;
        return new ImageShape((int)input.Channels, (int)input.Height, range);
    }
}
