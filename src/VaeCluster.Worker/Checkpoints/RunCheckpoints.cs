using VaeCluster.Checkpoints;
using VaeCluster.Config;
using VaeCluster.Worker.Training;

namespace VaeCluster.Worker.Checkpoints;

/// <summary>
/// The checkpoints of a run, in a process that trains: where they lie, when one is due, and the way between them and the state.
/// The state is touched on the caller's thread or while the caller awaits, so call this between two steps.
/// </summary>
public sealed class RunCheckpoints : IAsyncDisposable
{
    private readonly RunConfig config;
    private readonly string manifestId;
    private readonly ICheckpointStorage storage;
    private readonly CheckpointCatalog catalog;
    private readonly CheckpointWriter writer;
    private readonly Action<CheckpointOutcome> report;
    private readonly TimeProvider time;
    private readonly string yaml, identity;
    private CheckpointCadence cadence;
    private StateTensors? tensors;
    private double? restoredLoss;

    private RunCheckpoints(RunConfig config, string manifestId, ICheckpointStorage storage, Action<CheckpointOutcome> report, TimeProvider time)
    {
        (this.config, this.manifestId, this.storage, this.report, this.time) = (config, manifestId, storage, report, time);
        (yaml, identity) = (config.ToYaml(), config.Identity);
        catalog = new CheckpointCatalog(storage);
        writer = new CheckpointWriter(storage, config.Checkpoints, report, time: time);
        cadence = new CheckpointCadence(config.Checkpoints, 0, time);
    }

    /// <summary>Reads and writes nothing yet.</summary>
    /// <param name="config">Of the run, complete: it is saved as it is now.</param>
    /// <param name="runFolder">The checkpoints lie in it, where the configuration names no other place.</param>
    /// <param name="manifestId">Of the data.</param>
    /// <param name="report">Gets every outcome, as a rule on a thread of the background; must not throw.</param>
    /// <param name="time">The clock.</param>
    public static RunCheckpoints Open(
        RunConfig config, string runFolder, string manifestId, Action<CheckpointOutcome> report, TimeProvider? time = null)
    {
        ArgumentNullException.ThrowIfNull(config);
        var storage = CheckpointStorage.Open(config.Checkpoints, runFolder);
        return new RunCheckpoints(config, manifestId, storage, report, time ?? TimeProvider.System);
    }

    /// <summary>Gives what goes into <see cref="CheckpointMetadata.Records"/>, when a checkpoint is taken.</summary>
    public Func<byte[]?>? Records { get; set; }

    /// <summary>Those of the checkpoint that was restored.</summary>
    public byte[]? RestoredRecords { get; private set; }

    /// <summary>Attempts to save that have failed since the last one that succeeded.</summary>
    public int FailedInARow => writer.FailedInARow;

    /// <summary>Memory held for the copy of the state; 0 before the first <see cref="SaveIfDue"/>.</summary>
    public long CopyBytes => writer.BufferBytes;

    /// <summary>
    /// The highest term under which anything was written here, 0 for none. A new owner needs a higher one, else its checkpoints
    /// are refused as those of somebody who was replaced.
    /// </summary>
    public Task<ulong> HighestTermAsync(CancellationToken cancellation) => ReachedAsync(async () =>
    {
        var latest = await catalog.LatestAsync(cancellation);
        var entries = await catalog.ListAsync(cancellation);
        return entries.Select(entry => entry.Record?.Metadata.Writer.Term ?? 0).Append(latest?.Writer.Term ?? 0).Max();
    });

    /// <summary>
    /// Loads a checkpoint into the state, which is then the saved one bit for bit; where it is damaged, the next good one. Reports
    /// a <see cref="CheckpointRestored"/>.
    /// </summary>
    /// <returns>The step after which the run goes on; null where there is no checkpoint.</returns>
    /// <exception cref="UserErrorException">
    /// None of them is good, the one asked for is not there, it was saved by another run, or the storage can't be read.
    /// </exception>
    public async Task<long?> RestoreAsync(TrainingState state, CheckpointChoice choice, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(state);
        using var loaded = await ReachedAsync(() => catalog.LoadAsync(choice, cancellation));
        if (loaded is null && config.Train.InitialWeights is not null)
        {
            throw new UserErrorException($"{storage.Location}: there is no checkpoint, and this run began with imported weights that the seed does not give. "
                + "Import them again.");
        }
        if (loaded is null) return null;
        var changes = SavedConfig.Changes(loaded, storage.Location, config, identity, manifestId);
        Tensors(state).Load(loaded);
        cadence = new CheckpointCadence(config.Checkpoints, state.Step, time);
        (restoredLoss, RestoredRecords) = (loaded.Metadata.ValidationLoss, loaded.Metadata.Records);
        report(new CheckpointRestored(state.Step, loaded.Name, storage.Location, changes, loaded.Warning));
        return state.Step;
    }

    /// <summary>
    /// Makes a checkpoint the newest one, so that whoever goes on from now on goes on from it, however often the run is
    /// stopped before the next save.
    /// </summary>
    /// <param name="choice">Which.</param>
    /// <param name="totalSteps">Of the run: a checkpoint beyond them is not taken.</param>
    /// <param name="owner">Above all that have written here.</param>
    /// <param name="cancellation">Gives it up.</param>
    /// <returns>Its step.</returns>
    /// <exception cref="UserErrorException">It is not there, damaged, or the storage can't be read.</exception>
    public async Task<long> GoBackAsync(CheckpointChoice choice, long totalSteps, CheckpointOwner owner, CancellationToken cancellation) =>
        await ReachedAsync(() => catalog.MakeLatestAsync(choice, totalSteps, owner, cancellation))
            ?? throw NothingToResume();

    /// <summary>A checkpoint was asked for, and there is none at all.</summary>
    public static UserErrorException NothingToResume() => new("--resume: there is no checkpoint. Leave it out to begin at step 0.");

    /// <summary>Saves in the background where the cadence asks for it; costs one copy of the state then, and nothing else.</summary>
    /// <param name="state">After a step.</param>
    /// <param name="owner">Who writes; for the writer of the plan only.</param>
    /// <param name="validationLoss">Of the last validation; where there was none yet, that of the checkpoint that was restored.</param>
    /// <returns>Whether a copy was taken. It stays due while one before is still being written.</returns>
    public bool SaveIfDue(TrainingState state, CheckpointOwner owner, double? validationLoss)
    {
        ArgumentNullException.ThrowIfNull(state);
        if (!cadence.IsDue(state.Step))
        {
            if (writer.BufferBytes == 0) writer.Reserve(Snapshot(state, owner, validationLoss));
            return false;
        }
        if (!writer.TrySave(Snapshot(state, owner, validationLoss))) return false;
        cadence.Accepted(state.Step);
        return true;
    }

    /// <summary>The last save, at the end or when told to stop: waits until it is on the storage.</summary>
    /// <returns>False where the token ended the wait, or somebody newer writes.</returns>
    public async Task<bool> SaveLastAsync(TrainingState state, CheckpointOwner owner, double? validationLoss, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(state);
        var saved = await writer.SaveLastAsync(Snapshot(state, owner, validationLoss), cancellation);
        cadence.Accepted(state.Step);
        return saved;
    }

    public async ValueTask DisposeAsync()
    {
        await writer.DisposeAsync();
        storage.Dispose();
        tensors?.Dispose();
    }

    private StateTensors Tensors(TrainingState state)
    {
        if (tensors?.State == state) return tensors;
        tensors?.Dispose();
        return tensors = new StateTensors(state);
    }

    private CheckpointSnapshot Snapshot(TrainingState state, CheckpointOwner owner, double? validationLoss) =>
        Tensors(state).Snapshot(new CheckpointMetadata
        {
            Step = state.Step,
            Epoch = state.Step / state.StepsPerEpoch,
            EpochOffset = state.Step % state.StepsPerEpoch * config.Train.Batch,
            Seed = config.Train.Seed,
            ConfigYaml = yaml,
            ConfigIdentity = identity,
            ManifestId = manifestId,
            ValidationLoss = validationLoss ?? restoredLoss,
            Records = Records?.Invoke(),
            Writer = owner,
        });

    private async Task<T> ReachedAsync<T>(Func<Task<T>> read)
    {
        try
        {
            return await read();
        }
        catch (Exception e) when (StorageFailure.Is(e) && e is not OperationCanceledException)
        {
            throw new UserErrorException($"{StorageFailure.Describe(storage, e)} Make the place of the checkpoints (checkpoints.storage) readable, and start again.", e);
        }
    }
}
