using System.ComponentModel.DataAnnotations;

namespace VaeCluster.Checkpoints;

/// <summary>The section `checkpoints`: when the state is saved, where, and which ones stay. Nothing in it changes the weights.</summary>
public sealed class CheckpointOptions : IValidatableObject
{
    /// <summary>Steps between two checkpoints; 0 for none by steps. One is written at the end in any case.</summary>
    [Range(0, long.MaxValue)]
    public long EverySteps { get; set; } = 1000;

    /// <summary>Minutes between two checkpoints, beside those by steps; 0 for none by time.</summary>
    [Range(0, 525_600)]
    public int EveryMinutes { get; set; } = 10;

    /// <summary>The newest ones that stay.</summary>
    [Range(1, 1_000_000)]
    public int KeepLast { get; set; } = 3;

    /// <summary>The ones with the lowest validation loss that stay as well.</summary>
    [Range(0, 1_000_000)]
    public int KeepBest { get; set; } = 1;

    /// <summary>Of each span of this many steps the first checkpoint stays as well; 0 for none.</summary>
    [Range(0, long.MaxValue)]
    public long KeepEvery { get; set; }

    /// <summary>A folder, or s3://bucket/prefix; the folder `checkpoints` of the run where it is not given. One run per place.</summary>
    public string? Storage { get; set; }

    /// <summary>How the object storage is reached, where <see cref="Storage"/> names one.</summary>
    public S3Options S3 { get; set; } = new();

    public IEnumerable<ValidationResult> Validate(ValidationContext validationContext)
    {
        if (Storage is null || !Storage.Contains("://", StringComparison.Ordinal)) yield break;
        if (!S3Location.TryParse(Storage, out _))
            yield return new ValidationResult("must be a folder or s3://bucket/prefix", [nameof(Storage)]);
    }
}

/// <summary>
/// The section `checkpoints.s3`. Keys are no settings: they come from AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY or from
/// whatever else the AWS SDK looks at (profile, web identity, instance role).
/// </summary>
public sealed class S3Options : IValidatableObject
{
    /// <summary>Address of a server that is not Amazon's, such as http://minio:9000.</summary>
    public string? Endpoint { get; set; }

    /// <summary>The region, where the environment does not give it.</summary>
    public string? Region { get; set; }

    /// <summary>The bucket in the path, not in the host name: what most servers but Amazon's need.</summary>
    public bool PathStyle { get; set; }

    public IEnumerable<ValidationResult> Validate(ValidationContext validationContext)
    {
        if (Endpoint is null) yield break;
        if (!Uri.TryCreate(Endpoint, UriKind.Absolute, out var address) || address.Scheme is not ("http" or "https"))
            yield return new ValidationResult("must be an address such as http://minio:9000", [nameof(Endpoint)]);
    }
}
