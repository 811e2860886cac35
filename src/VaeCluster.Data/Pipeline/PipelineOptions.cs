using VaeCluster.Data.Order;
using VaeCluster.Data.Splits;

namespace VaeCluster.Data.Pipeline;

/// <summary>What a pipeline delivers.</summary>
/// <param name="Split">Whose samples.</param>
/// <param name="Samples">Which of them, per step and slot; its count is the split's.</param>
/// <param name="Shape">What the model takes.</param>
/// <param name="Augment">Draws crops and flips where the data options ask for them.</param>
public sealed record PipelineOptions(Split Split, StepSamples Samples, ImageShape Shape, bool Augment)
{
    public static PipelineOptions Training(DataSet data, ImageShape shape, int batch, int slots, ulong seed) =>
        new(Split.Train, new StepSamples(data.Manifest.Count(Split.Train), batch, slots, seed, data.Options.Shuffle), shape, true);

    /// <summary>All validation samples, in the manifest's order, without augmentation.</summary>
    public static PipelineOptions Validation(DataSet data, ImageShape shape, int batch, int slots, ulong seed) =>
        new(Split.Validation, new StepSamples(data.Manifest.Count(Split.Validation), batch, slots, seed, Shuffle: false), shape, false);
}
