using TorchSharp;
using VaeCluster.Config;
using VaeCluster.Models;
using VaeCluster.Models.Objectives;
using VaeCluster.Torch;
using static TorchSharp.torch;

namespace VaeCluster.Worker.Training;

/// <summary>
/// All that a step reads and changes: the model on its device, its parameters and statistics in flat buffers, the optimizer,
/// and how many steps are done. Owned by one thread.
/// </summary>
public sealed class TrainingState : IDisposable
{
    /// <param name="config">The run's.</param>
    /// <param name="device">Where the model lives.</param>
    /// <param name="stepsPerEpoch">For schedules that move by epoch.</param>
    public TrainingState(RunConfig config, Device device, long stepsPerEpoch)
    {
        Config = config;
        Device = device;
        TotalSteps = config.Train.StepsOf(stepsPerEpoch);
        StepsPerEpoch = stepsPerEpoch;
        Schedule = new LearningRateSchedule(config.Optimizer.Lr, config.Optimizer.Schedule, stepsPerEpoch, TotalSteps);

        // Initial weights are drawn on the CPU, so that they are the same on every device.
        random.manual_seed(config.Train.Seed);
        Model = ImageAutoencoder.Create(config.Model);
        Model.to(device);
        Model.train();
        Statistics = new BatchStatistics(Model);
        // A validation's sums travel where a step's do.
        Parameters = new FlatParameters(Model, Math.Max(StepSums.Length(Statistics), Validation.Length(Model)));
        Optimizer = new FlatOptimizer(Parameters, config.Optimizer);
        Objective = new Objective(Model, config.Objective);
    }

    public RunConfig Config { get; }

    public Device Device { get; }

    public ImageAutoencoder Model { get; }

    public Objective Objective { get; }

    public FlatParameters Parameters { get; }

    public BatchStatistics Statistics { get; }

    public FlatOptimizer Optimizer { get; }

    public LearningRateSchedule Schedule { get; }

    public long StepsPerEpoch { get; }

    public long TotalSteps { get; }

    /// <summary>Steps done.</summary>
    public long Step { get; set; }

    /// <summary>Steps in a row whose gradient was not finite.</summary>
    public int Skipped { get; set; }

    /// <exception cref="UserErrorException">The gradient has not been finite for train.skip_limit steps in a row.</exception>
    public void ThrowIfStuck()
    {
        if (Skipped < Config.Train.SkipLimit) return;
        throw new UserErrorException($"The gradient was not finite in {Skipped} steps in a row, the last one step {Step}. "
            + "Lower optimizer.lr, set optimizer.clip_norm, or look for broken values in the data.");
    }

    public string WeightsSha256() => WeightsHash.Of(Model);

    public void Dispose()
    {
        Optimizer.Dispose();
        Parameters.Dispose();
        Statistics.Dispose();
        Model.Dispose();
    }
}
