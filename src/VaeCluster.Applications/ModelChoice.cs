using VaeCluster.Checkpoints;

namespace VaeCluster.Applications;

/// <summary>The trained model that a command line means.</summary>
public sealed record ModelChoice
{
    /// <summary>
    /// A run folder, a folder of checkpoints, one of them, s3://bucket/prefix, a diffusers folder, or a safetensors file of
    /// ours, of diffusers or of the CompVis code.
    /// </summary>
    public required string Place { get; init; }

    /// <summary>Which checkpoint, where there are several.</summary>
    public CheckpointChoice Checkpoint { get; init; } = CheckpointChoice.Latest;

    /// <summary>The moving average of the weights.</summary>
    public bool Average { get; init; }

    /// <summary>cpu, cuda:N, or auto: the first GPU where there is one.</summary>
    public string Device { get; init; } = "auto";

    /// <summary>Height and width of the images in pixels, where another than the model was trained at; for models without a fixed one.</summary>
    public int? ImageSize { get; init; }

    /// <summary>The configuration of a file that does not say which model it is of: a path.</summary>
    public string? ConfigFile { get; init; }

    /// <summary>Threads of libtorch; 0 takes one for each core. Results of another count differ in the last digits.</summary>
    public int Threads { get; init; }
}
