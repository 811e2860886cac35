using VaeCluster.Collectives;
using VaeCluster.Torch;
using VaeCluster.Worker.Training;
using static TorchSharp.torch;

namespace VaeCluster.Worker.Tests.Training;

/// <summary>The one promise, at the level of a process: the weights follow from config, data, seed and step alone.</summary>
public sealed class SameBitsTests
{
    [Theory]
    [InlineData("tiny")]
    [InlineData("mnist")]
    public void Run_Twice_GivesTheSameWeights_AndAnotherSeedOthers(string preset)
    {
        var first = WeightsAfter(4, Runs.Config(preset));

        Assert.Equal(first, WeightsAfter(4, Runs.Config(preset)));
        Assert.NotEqual(first, WeightsAfter(4, Runs.Config(preset, "train.seed=8")));
    }

    [Theory]
    [InlineData("tiny")]
    [InlineData("mnist")]
    public void Slots_InAnyOrderAndGrouping_GiveTheSameWeights(string preset)
    {
        var config = Runs.Config(preset);
        var expected = WeightsAfter(2, config);

        foreach (var cuts in (int[][])[[1, 2, 3, 4, 5, 6, 7], [3], [2, 5]])
            foreach (var backwards in (bool[])[false, true])
            {
                using var training = new LocalTraining(config);
                for (var step = 0; step < 2; step++) StepInParts(training, cuts, backwards);
                Assert.Equal(expected, training.WeightsSha256());
            }
    }

    [Fact]
    public void MicroBatches_InAnyGrouping_GiveTheSameWeights()
    {
        var config = Runs.Config("mnist", "train.micro_batch=2");
        var expected = WeightsAfter(3, config);

        using var training = new LocalTraining(config);
        for (var step = 0; step < 3; step++) StepInParts(training, [3, 6], backwards: true);

        Assert.Equal(expected, training.WeightsSha256());
    }

    [Theory]
    [InlineData("tiny")]
    [InlineData("mnist")]
    [InlineData("conv64", "data.size=64")]
    public void Bf16_Steps_FollowFp32Closely(string preset, params string[] more)
    {
        using var fp32 = new LocalTraining(Runs.Config(preset, more));
        using var bf16 = new LocalTraining(Runs.Config(preset, ["train.precision=bf16", .. more]));

        for (var step = 0; step < 3; step++)
        {
            var (expected, actual) = (fp32.RunStep(CancellationToken.None).Loss, bf16.RunStep(CancellationToken.None).Loss);
            Assert.Equal(expected, actual, 0.03 * expected);
            Assert.NotEqual(expected, actual);
        }
    }

    [Fact]
    public void LastBatch_SmallerThanTheSlots_LeavesSlotsOutAndIsUsed()
    {
        // 40 training images in batches of 36: the second step has 4 samples for 8 slots.
        var config = Runs.Config("tiny", "train.batch=36", "data.source=shapes:?count=50&size=32", "train.steps=3");
        using var training = new LocalTraining(config);

        Assert.Equal([36, 4, 36], Enumerable.Range(0, 3).Select(_ => training.RunStep(CancellationToken.None).Samples));
    }

    [Theory]
    [InlineData("tiny")]
    [InlineData("mnist")]
    public void Recompute_AnotherMembersSlot_HasTheHashOfWhatThatContributes(string preset)
    {
        using var training = new LocalTraining(Runs.Config(preset));
        training.RunStep(CancellationToken.None);
        var hashes = new HashSet<string>();
        foreach (var (slot, start, end) in ((int, int, int)[])[(0, 0, 8), (6, 0, 8), (3, 3, 6), (7, 7, 8), (4, 0, 5)])
        {
            var expected = training.Computation.Recompute(slot, training.Images, CancellationToken.None);
            Assert.Equal(slot, training.Computation.CurrentSlot);
            var (subtrees, sum) = (SlotTree.Cover(8, new(start, end)), new GivenUp());
            training.Computation.ComparedSlot = slot;

            Assert.Null(training.Computation.Run(subtrees, training.Images, sum, CancellationToken.None));

            Assert.Equal(expected, training.Computation.ComparedHash);
            // Also where its buckets can't leave while backward runs.
            Assert.Equal(subtrees.Count * training.State.Parameters.Layout.Buckets.Count, sum.Contributed.Distinct().Count());
            Assert.True(hashes.Add(Convert.ToHexString(expected)));
        }
    }

    private static string WeightsAfter(int steps, Config.RunConfig config)
    {
        using var training = new LocalTraining(config);
        for (var step = 0; step < steps; step++) training.RunStep(CancellationToken.None);
        return training.WeightsSha256();
    }

    /// <summary>What members with these ranges would compute, one after the other, joined as the tree joins it.</summary>
    private static void StepInParts(LocalTraining training, int[] cuts, bool backwards)
    {
        const int slots = 8;
        int[] borders = [0, .. cuts, slots];
        var nodes = borders.Zip(borders.Skip(1)).SelectMany(range => SlotTree.Cover(slots, new(range.First, range.Second))).ToList();
        if (backwards) nodes.Reverse();
        using var scope = NewDisposeScope();
        var parts = nodes.ToDictionary(node => node, node => training.Computation.Sum(node, training.Images, null, CancellationToken.None)!.Flat.clone());

        using var whole = new FlatGradient(training.State.Parameters);
        whole.Flat.copy_(Join(SlotTree.Root(slots)));
        training.Computation.Update(whole);

        Tensor Join(SlotRange node)
        {
            if (parts.TryGetValue(node, out var part)) return part;
            var (left, right) = SlotTree.Split(node);
            return Join(left) + Join(right);
        }
    }

    /// <summary>Takes contributions, and never has a result.</summary>
    private sealed class GivenUp : IStepReduction
    {
        public List<(SlotRange, int)> Contributed { get; } = [];

        public bool Contribute(SlotRange subtree, FlatGradient sum, Bucket bucket)
        {
            Contributed.Add((subtree, bucket.Index));
            return true;
        }

        public FlatGradient? Wait() => null;
    }
}
