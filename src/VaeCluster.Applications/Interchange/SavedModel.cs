using VaeCluster.Checkpoints;
using VaeCluster.Config;

namespace VaeCluster.Applications.Interchange;

/// <summary>A checkpoint of ours, open: the configuration it was trained under, and its weights.</summary>
public sealed class SavedModel : IDisposable
{
    private readonly LoadedCheckpoint _checkpoint;

    private SavedModel(LoadedCheckpoint checkpoint, string location, bool average, IReadOnlyList<string> switches)
    {
        _checkpoint = checkpoint;
        Name = $"{location}/{checkpoint.Name}";
        Config = new ConfigSources { Text = checkpoint.Metadata.ConfigYaml, Name = Name, Switches = switches }.Load();
        Weights = new NamedWeights(checkpoint.Weights);
        if (!average) return;
        Weights.Replace(checkpoint.Ema ?? throw new UserErrorException($"{Name} has no moving average: optimizer.ema_decay was 0. Leave --ema out."));
    }

    public string Name { get; }

    public RunConfig Config { get; }

    public NamedWeights Weights { get; }

    /// <summary>Why it is not the newest one, where it is not.</summary>
    public string? Warning => _checkpoint.Warning;

    /// <param name="place">A run folder, a folder of checkpoints, one of them, or s3://bucket/prefix.</param>
    /// <param name="choice">Which one, where there are several.</param>
    /// <param name="average">The moving average in place of the parameters; buffers have none.</param>
    /// <param name="switches">`key.path=value` each, over the configuration that was saved.</param>
    public static SavedModel Open(string place, CheckpointChoice choice, bool average, IReadOnlyList<string>? switches = null)
    {
        if (File.Exists(Path.Combine(place, CheckpointRecord.FileName)))
        {
            var full = Path.TrimEndingDirectorySeparator(Path.GetFullPath(place));
            if (CheckpointName.Parse(Path.GetFileName(full)) is not var (step, _)) throw new UserErrorException($"{place}: is not the folder of a checkpoint.");
            (place, choice) = (Path.GetDirectoryName(full)!, CheckpointChoice.AtStep(step));
        }
        using var checkpoints = CheckpointPlace.Open(place);
        var loaded = CheckpointPlace.ReachedAsync(checkpoints.Storage, () => checkpoints.Catalog.LoadAsync(choice)).GetAwaiter().GetResult()
            ?? throw new UserErrorException($"{checkpoints.Storage.Location}: there is no checkpoint.");
        try
        {
            return new SavedModel(loaded, checkpoints.Storage.Location, average, switches ?? []);
        }
        catch
        {
            loaded.Dispose();
            throw;
        }
    }

    public void Dispose() => _checkpoint.Dispose();
}
