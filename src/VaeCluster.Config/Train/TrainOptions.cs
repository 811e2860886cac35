using System.ComponentModel.DataAnnotations;
using VaeCluster.Torch;

namespace VaeCluster.Config;

/// <summary>The section `train`: how long, in which pieces, how exactly.</summary>
public sealed class TrainOptions : IValidatableObject
{
    /// <summary>Samples of a step, over all slots.</summary>
    [Range(1, 1 << 20)]
    public int Batch { get; set; } = 128;

    /// <summary>Virtual workers that a step is cut into. They never change during a run.</summary>
    [Range(1, 4096)]
    public int Slots { get; set; } = 8;

    /// <summary>Length of the run in steps; this or <see cref="Epochs"/>.</summary>
    [Range(1, long.MaxValue)]
    public long? Steps { get; set; }

    /// <summary>Length of the run in passes over the training samples; this or <see cref="Steps"/>.</summary>
    [Range(1, int.MaxValue)]
    public int? Epochs { get; set; }

    /// <summary>Samples that go through the model at once inside a slot; a whole slot where it is not given.</summary>
    [Range(1, 1 << 20)]
    public int? MicroBatch { get; set; }

    [Range(0, long.MaxValue)]
    public long Seed { get; set; } = 7;

    /// <summary>weights_sha256 of what the run began with, set by an import; not given where the seed draws the weights.</summary>
    [RegularExpression("^[0-9a-f]{64}$", ErrorMessage = "must be 64 hexadecimal digits; it is set by `vaecluster import`")]
    public string? InitialWeights { get; set; }

    /// <summary>Threads of libtorch in a worker. Another count gives other bits.</summary>
    [Range(1, 1024)]
    public int Threads { get; set; } = 1;

    public Precision Precision { get; set; } = Precision.Fp32;

    /// <summary>Refuse operations whose result depends on anything but their input.</summary>
    public bool Deterministic { get; set; } = true;

    /// <summary>Take workers that compute other bits, and give up the promise of equal weights.</summary>
    public bool MixedWorkers { get; set; }

    /// <summary>
    /// How gradients travel between workers. bf16 halves the bytes, and makes the weights depend on the plans.
    /// </summary>
    public Precision Wire { get; set; } = Precision.Fp32;

    /// <summary>Steps between two comparisons of what the workers hold; 0 for none.</summary>
    [Range(0, long.MaxValue)]
    public long HashSteps { get; set; } = 100;

    /// <summary>Steps between two that are traced, where a collector of traces is named; 0 for none.</summary>
    [Range(0, long.MaxValue)]
    public long TraceSteps { get; set; } = 100;

    /// <summary>Steps in a row with a gradient that is not finite, after which the run stops.</summary>
    [Range(1, 1_000_000)]
    public int SkipLimit { get; set; } = 10;

    /// <summary>Epochs between validations; 0 for none on the way.</summary>
    [Range(0, int.MaxValue)]
    public int ValidateEpochs { get; set; } = 1;

    /// <summary>Steps between validations, beside those by epochs; 0 for none.</summary>
    [Range(0, long.MaxValue)]
    public long ValidateSteps { get; set; }

    /// <summary>Samples of the validation split that a validation takes, from its start; all where it is not given.</summary>
    [Range(1, int.MaxValue)]
    public int? ValidateSamples { get; set; }

    /// <summary>Length of the run in steps, however it was written.</summary>
    public long StepsOf(long stepsPerEpoch) => Steps ?? Epochs!.Value * stepsPerEpoch;

    public IEnumerable<ValidationResult> Validate(ValidationContext validationContext)
    {
        if (Steps is null == Epochs is null)
        {
            var rule = Steps is null
                ? "the length of the run is missing: give train.steps or train.epochs"
                : "give train.steps or train.epochs, not both";
            yield return new(rule, [nameof(Steps), nameof(Epochs)]);
        }
        if (Batch < Slots)
            yield return new($"a step of {Batch} samples is too small for {Slots} slots: each needs at least one", [nameof(Batch), nameof(Slots)]);
        if (MicroBatch > Batch)
            yield return new($"must be at most the batch, {Batch}", [nameof(MicroBatch)]);
    }
}
