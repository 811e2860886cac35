using Microsoft.Extensions.Logging;
using VaeCluster.Checkpoints;
using VaeCluster.Config.Runs;
using VaeCluster.Worker.Checkpoints;
using VaeCluster.Worker.Training;

namespace VaeCluster.Worker.Hosting;

/// <summary>
/// What training leaves on storage: checkpoints, pictures, the final weights. For the member that the plan names as its
/// writer; on the training thread, between two rounds.
/// </summary>
/// <param name="parts">What is trained.</param>
/// <param name="folder">The run's; null where this worker does not see it.</param>
/// <param name="checkpoints">Of the run; null where they have no place.</param>
/// <param name="logger">Told where pictures can't be written.</param>
internal sealed class RunOutput(TrainingParts parts, RunFolder? folder, RunCheckpoints? checkpoints, ILogger logger)
{
    private static readonly TimeSpan LastSave = TimeSpan.FromMinutes(5);

    private long savedStep = -1;

    /// <summary>Per sample, of the last validation here.</summary>
    public double? ValidationLoss { get; set; }

    /// <summary>Everything is written that the run leaves.</summary>
    public bool IsFinished => savedStep == parts.State.TotalSteps;

    /// <summary>Gives the records that the journal may lack, for a checkpoint.</summary>
    public Func<byte[]?> Records
    {
        set => checkpoints?.Records = value;
    }

    /// <summary>Loads the newest checkpoint, or what the seed gives.</summary>
    /// <returns>The records that were saved with it.</returns>
    public byte[]? Restore()
    {
        var restored = checkpoints?.RestoreAsync(parts.State, CheckpointChoice.Latest, CancellationToken.None).GetAwaiter().GetResult();
        if (restored is null && parts.State.Step > 0) MemberState.Begin(parts);
        return restored is null ? null : checkpoints!.RestoredRecords;
    }

    public void SaveIfDue(CheckpointOwner owner)
    {
        if (parts.State.Step > 0) checkpoints?.SaveIfDue(parts.State, owner, ValidationLoss);
    }

    /// <summary>Saves now, and waits until it is on the storage.</summary>
    public void Save(CheckpointOwner owner)
    {
        if (checkpoints is null || savedStep == parts.State.Step || parts.State.Step == 0) return;
        using var deadline = new CancellationTokenSource(LastSave);
        if (checkpoints.SaveLastAsync(parts.State, owner, ValidationLoss, deadline.Token).GetAwaiter().GetResult()) savedStep = parts.State.Step;
    }

    /// <summary>After the last round.</summary>
    public void Finish(CheckpointOwner owner)
    {
        Save(owner);
        if (checkpoints is not null && savedStep != parts.State.Step) HostingLog.NoLastCheckpoint(logger, parts.State.Step, LastSave);
        folder?.WriteWhole(RunFolder.WeightsName, parts.SaveWeights);
        if (!parts.Rounds.ValidatesAfter(parts.State.Step)) WritePictures();
        savedStep = parts.State.Step;
    }

    public void WritePictures()
    {
        try
        {
            folder?.WritePictures(parts.State.Step, pathOf => parts.WritePictures(pathOf, CancellationToken.None));
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            HostingLog.NoPictures(logger, exception.Message);
        }
    }
}
