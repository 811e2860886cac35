namespace VaeCluster.Checkpoints;

/// <summary>A snapshot with everything that is computed from it once, however often it is tried.</summary>
internal sealed class PreparedSave
{
    private PreparedSave(CheckpointMetadata given, CheckpointMetadata complete, IReadOnlyDictionary<string, string> hashes)
    {
        Given = given;
        Complete = complete;
        Hashes = hashes;
    }

    /// <summary>As the caller handed it over.</summary>
    public CheckpointMetadata Given { get; }

    /// <summary>With the hashes of weights and state.</summary>
    public CheckpointMetadata Complete { get; }

    /// <summary>SHA-256 of each file.</summary>
    public IReadOnlyDictionary<string, string> Hashes { get; }

    public int Attempts { get; set; }

    public static PreparedSave Of(CheckpointMetadata given, IReadOnlyList<SnapshotFile> files, CancellationToken cancellation)
    {
        var hashes = files.ToDictionary(file => file.Name, file => file.Sha256(cancellation));
        return new PreparedSave(given, given with
        {
            WeightsSha256 = given.WeightsSha256 ?? TensorHash.OfWeights(files),
            StateSha256 = given.StateSha256 ?? TensorHash.OfState(files),
        }, hashes);
    }
}
