namespace VaeCluster.Checkpoints;

/// <summary>A checkpoint that was verified, with its files open. Its spans are valid until it is disposed.</summary>
public sealed class LoadedCheckpoint : IDisposable
{
    private readonly Dictionary<string, SafetensorsFile> _files;
    private readonly string? _scratch;

    internal LoadedCheckpoint(CheckpointEntry entry, Dictionary<string, SafetensorsFile> files, string? scratch)
    {
        Name = entry.Name;
        Record = entry.Record!;
        _files = files;
        _scratch = scratch;
    }

    public string Name { get; }

    public CheckpointRecord Record { get; }

    public CheckpointMetadata Metadata => Record.Metadata;

    /// <summary>Why this one and not the one that was asked for: one sentence that names each bad file; null if it is that one.</summary>
    public string? Warning { get; internal set; }

    public SafetensorsFile Weights => _files[CheckpointFile.Weights];

    public SafetensorsFile Optimizer => _files[CheckpointFile.Optimizer];

    public SafetensorsFile? Ema => _files.GetValueOrDefault(CheckpointFile.Ema);

    public void Dispose()
    {
        foreach (var file in _files.Values) file.Dispose();
        if (_scratch is not null) Directory.Delete(_scratch, recursive: true);
    }
}
