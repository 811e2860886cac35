using System.ComponentModel.DataAnnotations;

namespace VaeCluster.Torch;

public enum ScheduleKind
{
    Constant,
    Exponential,
    Cosine,
}

/// <summary>Setting <c>optimizer.schedule</c>: how the learning rate moves over the steps.</summary>
public sealed class ScheduleOptions : IValidatableObject
{
    public ScheduleKind Kind { get; set; } = ScheduleKind.Constant;

    /// <summary>The horizon of cosine in steps, fixed here so that stopping early does not move it; null: the run's steps.</summary>
    [Range(1, long.MaxValue)]
    public long? Steps { get; set; }

    /// <summary>Steps in which the rate rises linearly from near zero to the full one.</summary>
    [Range(0, long.MaxValue)]
    public long Warmup { get; set; }

    /// <summary>Factor per epoch of exponential.</summary>
    [Range(double.Epsilon, 1)]
    public double Gamma { get; set; } = 0.95;

    /// <summary>What cosine ends at, as a share of the full rate.</summary>
    [Range(0.0, 1.0)]
    public double Floor { get; set; }

    public IEnumerable<ValidationResult> Validate(ValidationContext validationContext)
    {
        if (Kind == ScheduleKind.Cosine && Steps is { } steps && Warmup >= steps)
            yield return new ValidationResult("must be below steps", [nameof(Warmup)]);
    }
}
