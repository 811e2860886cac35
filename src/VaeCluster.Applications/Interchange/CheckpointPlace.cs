using System.Text.Json;
using System.Text.Json.Nodes;
using VaeCluster.Checkpoints;
using VaeCluster.Config;
using VaeCluster.Config.Runs;

namespace VaeCluster.Applications.Interchange;

/// <summary>The checkpoints that a command line means: those of a run folder, those in a folder, or those under s3://bucket/prefix.</summary>
public sealed class CheckpointPlace : IDisposable
{
    public static readonly JsonSerializerOptions Format = RunSummary.Format;

    private CheckpointPlace(CheckpointOptions options, string folder)
    {
        Options = options;
        Storage = CheckpointStorage.Open(options, folder);
        Catalog = new CheckpointCatalog(Storage);
    }

    /// <summary>Of the run, or the defaults.</summary>
    public CheckpointOptions Options { get; }

    public ICheckpointStorage Storage { get; }

    public CheckpointCatalog Catalog { get; }

    public static CheckpointPlace Open(string place)
    {
        var environment = Environment.GetEnvironmentVariables();
        if (File.Exists(Path.Combine(place, RunFolder.ConfigName)))
            return new(ConfigSources.FromFile(Path.Combine(place, RunFolder.ConfigName), [], environment).Load().Checkpoints, place);
        if (!place.Contains("://", StringComparison.Ordinal) && !Directory.Exists(place))
            throw new UserErrorException($"{place}: there is no such folder.");
        // How the object storage is reached comes from the environment here.
        var sources = new ConfigSources { Text = "", Name = "", Environment = environment, Switches = [$"checkpoints.storage={place}"] };
        return new(sources.Load().Checkpoints, place);
    }

    /// <summary>Newest first, and the name that `latest` holds.</summary>
    public Task<(IReadOnlyList<CheckpointEntry> Entries, string? Latest)> ListAsync(CancellationToken cancellation) =>
        ReachedAsync(Storage, async () => (await Catalog.ListAsync(cancellation), (await Catalog.LatestAsync(cancellation))?.Checkpoint));

    public static async Task<T> ReachedAsync<T>(ICheckpointStorage storage, Func<Task<T>> read)
    {
        try
        {
            return await read();
        }
        catch (Exception e) when (StorageFailure.Is(e) && e is not OperationCanceledException)
        {
            throw new UserErrorException(StorageFailure.Describe(storage, e), e);
        }
    }

    public static JsonObject Describe(CheckpointEntry entry, string? latest)
    {
        var metadata = entry.Record?.Metadata;
        return new JsonObject
        {
            ["name"] = entry.Name,
            ["step"] = entry.Step,
            ["latest"] = entry.Name == latest,
            ["epoch"] = metadata?.Epoch,
            ["epoch_offset"] = metadata?.EpochOffset,
            ["validation_loss"] = metadata?.ValidationLoss,
            ["bytes"] = entry.Record?.TotalBytes(),
            ["saved_at"] = entry.Record?.SavedAt,
            ["weights_sha256"] = metadata?.WeightsSha256,
            ["state_sha256"] = metadata?.StateSha256,
            ["writer"] = metadata?.Writer.ToString(),
            ["config_identity"] = metadata?.ConfigIdentity,
            ["manifest_id"] = metadata?.ManifestId,
            ["problem"] = entry.Problem,
        };
    }

    public void Dispose() => Storage.Dispose();
}
