using VaeCluster.Data.Order;

namespace VaeCluster.Data.Tests.Order;

public sealed class StepSamplesTests
{
    [Fact]
    public void Of_EveryCountTo10000WithAnyBatchSlotsAndWorkers_CoversEachSampleOnce()
    {
        Parallel.For(1, 10_001, () => (new int[10_001], new int[10_001]), (n, _, seen) =>
        {
            var random = new Random(n);
            var batch = Draw(random, 2 * n);
            var slots = Draw(random, Math.Min(2 * batch, 300));
            var workers = Draw(random, slots);
            var samples = new StepSamples(n, batch, slots, (ulong)random.NextInt64());
            var epoch = random.Next(5);
            var positions = 0L;

            // Each worker goes through its own range of slots alone, as it would on its own machine.
            for (var worker = 0; worker < workers; worker++)
            {
                for (var step = epoch * samples.StepsPerEpoch; step < (epoch + 1) * samples.StepsPerEpoch; step++)
                {
                    for (var slot = worker * slots / workers; slot < (worker + 1) * slots / workers; slot++)
                    {
                        if (samples.CountOf(step, slot) == 0) continue;
                        foreach (var sample in samples.Of(step, slot))
                        {
                            if ((ulong)sample >= (ulong)n || seen.Item1[sample] == n) Assert.Fail($"n {n} batch {batch} slots {slots}: sample {sample} again");
                            seen.Item1[sample] = n;
                            positions++;
                        }
                    }
                }
            }
            if (positions != n) Assert.Fail($"n {n} batch {batch} slots {slots}: {positions} samples in an epoch");
            return seen;
        }, _ => { });
    }

    [Theory]
    [InlineData(1000, 64, 8, false)]
    [InlineData(1000, 64, 8, true)]
    [InlineData(10, 64, 8, true)]
    [InlineData(65, 64, 3, true)]
    public void Of_AnyStep_AgreesWithTheFullPermutation(int n, int batch, int slots, bool shuffle)
    {
        var samples = new StepSamples(n, batch, slots, 42, shuffle);
        for (var epoch = 0L; epoch < 3; epoch++)
        {
            var order = new SampleOrder(42, epoch, n);
            var full = Enumerable.Range(0, n).Select(i => shuffle ? order[i] : i);
            var bySteps = from step in Enumerable.Range(0, (int)samples.StepsPerEpoch)
                          from slot in Enumerable.Range(0, slots)
                          from sample in samples.Of(epoch * samples.StepsPerEpoch + step, slot)
                          select sample;
            Assert.Equal(full, bySteps);
        }
    }

    [Fact]
    public void SlotOf_LastPartialBatch_CutsWhatIsLeft()
    {
        var samples = new StepSamples(Samples: 13, Batch: 8, Slots: 8, Seed: 1);
        Assert.Equal(2, samples.StepsPerEpoch);
        Assert.Equal(8, samples.BatchOf(0));
        Assert.Equal(5, samples.BatchOf(1));
        Assert.Equal([0, 1, 0, 1, 1, 0, 1, 1], Enumerable.Range(0, 8).Select(slot => samples.CountOf(1, slot)));
        Assert.Equal((1L, 0L), (samples.EpochOf(2), samples.OffsetOf(2)));
    }

    private static int Draw(Random random, int most) => random.Next(3) switch
    {
        // Small, anything, and about as large as can be.
        0 => random.Next(1, Math.Min(most, 8) + 1),
        1 => random.Next(1, most + 1),
        _ => Math.Max(1, most - random.Next(3)),
    };
}
