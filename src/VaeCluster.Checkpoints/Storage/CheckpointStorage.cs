namespace VaeCluster.Checkpoints;

/// <summary>The storage that the options name.</summary>
public static class CheckpointStorage
{
    /// <summary>The folder in the run's own where the options name no place.</summary>
    public const string FolderName = "checkpoints";

    /// <param name="options">Checked before.</param>
    /// <param name="runFolder">The run's folder.</param>
    public static ICheckpointStorage Open(CheckpointOptions options, string runFolder)
    {
        if (options.Storage is null) return new FolderStorage(Path.Combine(runFolder, FolderName));
        return S3Location.TryParse(options.Storage, out var location)
            ? new S3Storage(location, options.S3)
            : new FolderStorage(options.Storage);
    }
}
