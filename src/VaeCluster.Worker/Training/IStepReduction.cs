using VaeCluster.Collectives;
using VaeCluster.Torch;

namespace VaeCluster.Worker.Training;

/// <summary>The sum over the members of a plan, bucket by bucket.</summary>
internal interface IStepReduction
{
    /// <summary>
    /// Takes the finished sum of one of the own subtrees over a bucket, as it lies in the buffer. The buffer stays as it is
    /// until the step has ended.
    /// </summary>
    /// <returns>False when the step was given up.</returns>
    bool Contribute(SlotRange subtree, FlatGradient sum, Bucket bucket);

    /// <summary>The whole step's sums, valid until the next step; null when the step was given up.</summary>
    FlatGradient? Wait();
}
