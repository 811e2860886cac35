using System.Security.Cryptography;
using System.Runtime.InteropServices;
using VaeCluster.Data.Images;
using VaeCluster.Data.Pipeline;

namespace VaeCluster.Data.Tests.Pipeline;

public sealed class PipelineTests
{
    private static readonly ImageShape Shape = new(3, 16, PixelRange.ZeroToOne);

    private static CancellationToken Deadline => TestContext.Current.CancellationToken;

    [Fact]
    public void Take_AnyNumberOfWorkersAndThreads_GivesTheSameBytes()
    {
        using var folder = new TemporaryFolder();
        DataOptions Options(int threads) => new()
        {
            Source = $"shapes:{folder.Path}?count=90&size=20",
            Threads = threads,
            Flip = true,
            Crop = CropMode.Random,
            PrefetchMegabytes = 1,
        };
        const int batch = 32, slots = 8, steps = 7;

        Dictionary<(long, int), string> Hashes(int workers, int threads)
        {
            var hashes = new Dictionary<(long, int), string>();
            for (var worker = 0; worker < workers; worker++)
            {
                using var data = DataSet.Open(Options(threads), cancellation: Deadline);
                using var pipeline = new SlotPipeline(data, PipelineOptions.Training(data, Shape, batch, slots, seed: 3));
                var (first, end) = (worker * slots / workers, (worker + 1) * slots / workers);
                pipeline.Aim(first, end - first, 0);
                for (var step = 0L; step < steps; step++)
                {
                    for (var slot = first; slot < end; slot++)
                    {
                        using var taken = pipeline.Take(step, slot, Deadline);
                        hashes.Add((step, slot), Convert.ToHexString(SHA256.HashData(MemoryMarshal.AsBytes(taken.Pixels))));
                    }
                }
            }
            return hashes;
        }

        var one = Hashes(workers: 1, threads: 1);
        Assert.Equal(steps * slots, one.Count);
        Assert.Equal(one, Hashes(workers: 1, threads: 4));
        Assert.Equal(one, Hashes(workers: 3, threads: 2));
        Assert.Equal(one, Hashes(workers: 8, threads: 1));
    }

    [Fact]
    public void Take_AnyOrder_AfterAimOrNot_GivesTheSameBytes()
    {
        using var folder = new TemporaryFolder();
        using var data = DataSet.Open(new DataOptions { Source = $"shapes:{folder.Path}?count=50&size=16", Threads = 2 }, cancellation: Deadline);
        using var pipeline = new SlotPipeline(data, PipelineOptions.Training(data, Shape, batch: 16, slots: 4, seed: 3));
        byte[] Take(long step, int slot)
        {
            using var batch = pipeline.Take(step, slot, Deadline);
            Assert.Equal((step, slot), (batch.Step, batch.Slot));
            return MemoryMarshal.AsBytes(batch.Pixels).ToArray();
        }

        var first = Take(5, 2);
        pipeline.Aim(0, 4, 4);
        Assert.NotEqual(first, Take(4, 2));
        Assert.Equal(first, Take(5, 2));
        pipeline.Aim(2, 2, 5);
        Assert.Equal(first, Take(5, 2));
        Assert.Equal(first, Take(5, 2));
        pipeline.Aim(0, 0, 6);
        Assert.Equal(first, Take(5, 2));
    }

    [Fact]
    public void Take_LastStepsOfAnEpoch_LeavesSlotsEmpty()
    {
        using var folder = new TemporaryFolder();
        using var data = DataSet.Open(new DataOptions { Source = $"shapes:{folder.Path}?count=10&size=16" }, cancellation: Deadline);
        using var pipeline = new SlotPipeline(data, PipelineOptions.Validation(data, Shape, batch: 8, slots: 4, seed: 3));
        pipeline.Aim(0, 4, 0, end: 1);
        var counts = new List<int>();
        for (var slot = 0; slot < 4; slot++)
        {
            using var batch = pipeline.Take(0, slot, Deadline);
            Assert.Equal(batch.Count * Shape.Values, batch.Pixels.Length);
            counts.Add(batch.Count);
        }
        Assert.Equal([0, 1, 0, 1], counts);
    }
}
