namespace VaeCluster.Checkpoints;

/// <summary>When a checkpoint is due. It stays due until one is accepted, so a busy writer only delays it.</summary>
public sealed class CheckpointCadence(CheckpointOptions options, long firstStep, TimeProvider time)
{
    private long _lastStep = firstStep;
    private long _lastTime = time.GetTimestamp();

    /// <summary>After this many steps.</summary>
    public bool IsDue(long step) => Decide(options, step - _lastStep, step, time.GetElapsedTime(_lastTime)).Due;

    /// <summary>A snapshot of this step was accepted.</summary>
    public void Accepted(long step)
    {
        _lastStep = step;
        _lastTime = time.GetTimestamp();
    }

    /// <summary>Steps count from 0 of the run, not from the last save: a resumed run saves after the same ones.</summary>
    public static (bool Due, string Reason) Decide(CheckpointOptions options, long stepsSince, long step, TimeSpan since)
    {
        if (stepsSince <= 0) return (false, "nothing has changed since the last checkpoint");
        if (options.EverySteps > 0 && step / options.EverySteps > (step - stepsSince) / options.EverySteps)
            return (true, $"every {options.EverySteps} steps");
        if (options.EveryMinutes > 0 && since >= TimeSpan.FromMinutes(options.EveryMinutes))
            return (true, $"every {options.EveryMinutes} minutes");
        return (false, "not yet");
    }
}
