using VaeCluster.Data.Images;
using VaeCluster.Data.Pipeline;
using VaeCluster.Data.Splits;

namespace VaeCluster.Data.Tests.Broken;

public sealed class ReplacementTests
{
    private static readonly ImageShape Shape = new(1, 8, PixelRange.ZeroToOne);

    private static CancellationToken Deadline => TestContext.Current.CancellationToken;

    [Fact]
    public void Take_BrokenImages_HaveTheSameReplacementForEveryone()
    {
        using var folder = new TemporaryFolder();
        // Half of them are broken, so many a replacement is broken too.
        const int count = 60;
        for (var i = 0; i < count; i++)
            File.WriteAllBytes(folder.File($"{i:D2}.png"), i % 2 == 0 ? Flat(i) : [1, 2, 3]);

        int[] Seen(ulong seed, int threads, bool backwards)
        {
            var options = new DataOptions
            {
                Source = $"folder:{folder.Path}",
                Split = new SplitOptions { By = SplitMode.Share, Share = 1 },
                BrokenLimit = 1,
                Threads = threads,
            };
            using var data = DataSet.Open(options, cancellation: Deadline);
            var samples = new Data.Order.StepSamples(count, 1, 1, seed, Shuffle: false);
            using var pipeline = new SlotPipeline(data, new PipelineOptions(Split.Train, samples, Shape, Augment: false));
            var seen = new int[count];
            foreach (var step in backwards ? Enumerable.Range(0, count).Reverse() : Enumerable.Range(0, count))
            {
                using var batch = pipeline.Take(step, 0, Deadline);
                seen[step] = (int)MathF.Round(batch.Pixels[0] * 255);
            }
            Assert.Equal(count / 2, data.Broken.Count);
            return seen;
        }

        var one = Seen(seed: 7, threads: 1, backwards: false);
        Assert.All(one, value => Assert.Equal(0, value % 2));
        Assert.Equal(one, Seen(seed: 7, threads: 3, backwards: false));
        Assert.Equal(one, Seen(seed: 7, threads: 1, backwards: true));
        Assert.NotEqual(one, Seen(seed: 8, threads: 1, backwards: false));
    }

    private static byte[] Flat(int value) => PngEncoder.Encode(8, 8, 1, [.. Enumerable.Repeat((byte)value, 64)]);
}
