namespace VaeCluster.Checkpoints;

/// <summary>What a checkpoint says about itself, beside its tensors.</summary>
public sealed record CheckpointMetadata
{
    /// <summary>Steps done.</summary>
    public required long Step { get; init; }

    /// <summary>Where the next step reads on: the epoch, and the samples of it that are done.</summary>
    public required long Epoch { get; init; }

    public required long EpochOffset { get; init; }

    public required long Seed { get; init; }

    /// <summary>The whole resolved configuration.</summary>
    public required string ConfigYaml { get; init; }

    /// <summary>Equal for configurations that give the same bits.</summary>
    public required string ConfigIdentity { get; init; }

    public required string ManifestId { get; init; }

    /// <summary>Of the last validation; null before the first one, and where it was not finite.</summary>
    public double? ValidationLoss { get; init; }

    /// <summary>Over parameters and buffers. Computed from the snapshot in the background where it is not given.</summary>
    public string? WeightsSha256 { get; init; }

    /// <summary>Over optimizer and EMA. Computed from the snapshot in the background where it is not given.</summary>
    public string? StateSha256 { get; init; }

    /// <summary>
    /// What a run's coordinator had not acknowledged of the steps before this one (StepRecords of the protocol), so that its journal
    /// gets them when the run goes on from here; null for nothing.
    /// </summary>
    public byte[]? Records { get; init; }

    public required CheckpointOwner Writer { get; init; }
}

/// <summary>A file of a checkpoint.</summary>
/// <param name="Name">What it is: weights.safetensors, optimizer.safetensors or ema.safetensors.</param>
/// <param name="Path">Where it lies, relative to the checkpoint's folder.</param>
/// <param name="Bytes">Its length.</param>
/// <param name="Sha256">Of its content, in lower-case hexadecimal digits.</param>
public sealed record CheckpointFile(string Name, string Path, long Bytes, string Sha256)
{
    public const string Weights = "weights.safetensors";
    public const string Optimizer = "optimizer.safetensors";
    public const string Ema = "ema.safetensors";
}
