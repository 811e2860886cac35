using System.Runtime.InteropServices;
using VaeCluster.Data.Pipeline;
using VaeCluster.Data.Reading;
using VaeCluster.Data.Tests.Cache;

namespace VaeCluster.Data.Tests.Pipeline;

[Collection(nameof(Alone))]
public sealed class PipelineResourceTests
{
    private static readonly ImageShape Shape = new(3, 64, PixelRange.ZeroToOne);

    private static CancellationToken Deadline => TestContext.Current.CancellationToken;

    [Fact]
    public void Dispose_PipelineInFullWork_GivesEverythingBack()
    {
        using var folder = new TemporaryFolder();
        DecodedCacheTests.Photos(folder.File("images"), 60);
        var memory = new CountingMemory();
        using (var data = DataSet.Open(new DataOptions { Source = $"folder:{folder.File("images")}", Threads = 3 }, cancellation: Deadline))
        {
            SlotBatch late;
            using (var pipeline = new SlotPipeline(data, PipelineOptions.Training(data, Shape, 16, 4, seed: 1), memory))
            {
                pipeline.Aim(0, 4, 0);
                for (var step = 0L; step < 3; step++)
                    for (var slot = 0; slot < 4; slot++) pipeline.Take(step, slot, Deadline).Dispose();
                pipeline.Aim(1, 1, 7);
                pipeline.Take(9, 3, Deadline).Dispose();
                late = pipeline.Take(9, 1, Deadline);
            }
            late.Dispose();
            Assert.Throws<ObjectDisposedException>(() => _ = late.Address);
        }
        Assert.Equal(0, memory.Live);
        Assert.Equal(0, NativeObjects.Live);
    }

    [Fact]
    public void Aim_NobodyTakes_StopsAtTheMemoryGiven()
    {
        using var folder = new TemporaryFolder();
        DecodedCacheTests.Photos(folder.File("images"), 60);
        var options = new DataOptions { Source = $"folder:{folder.File("images")}", Threads = 2, PrefetchMegabytes = 1 };
        using var data = DataSet.Open(options, cancellation: Deadline);
        var memory = new CountingMemory();
        using var pipeline = new SlotPipeline(data, PipelineOptions.Training(data, Shape, 16, 4, seed: 1), memory);
        pipeline.Aim(0, 4, 0);

        // 1 MiB holds 5 slots of 4 images of 49,152 bytes: all of them are filled, and no more.
        Assert.True(SpinWait.SpinUntil(() => pipeline.Snapshot().Ready == 5, TimeSpan.FromSeconds(30)), $"{pipeline.Snapshot().Ready} batches are ready");
        Assert.Equal(20, pipeline.Snapshot().Images);
        for (var step = 0L; step < 12; step++)
        {
            using var batch = pipeline.Take(step / 4, (int)(step % 4), Deadline);
            Assert.InRange(memory.Peak, 1, 5 * 4 * 49_152 + 2 * 4 * 49_152);
        }
    }

    [Fact]
    public async Task Take_CancelledWhileAReadIsTriedAgain_EndsAtOnce()
    {
        using var folder = new TemporaryFolder();
        DecodedCacheTests.Photos(folder.File("images"), 8);
        using var data = DataSet.Open(new DataOptions
        {
            Source = $"folder:{folder.File("images")}",
            Read = new ReadOptions { Attempts = 10, FirstDelay = TimeSpan.FromHours(1) },
        }, cancellation: Deadline);
        Directory.Delete(folder.File("images"), recursive: true);
        var pipeline = new SlotPipeline(data, PipelineOptions.Training(data, Shape, 4, 1, seed: 1));
        using var cancellation = new CancellationTokenSource();
        var take = Task.Run(() => pipeline.Take(0, 0, cancellation.Token), Deadline);
        await cancellation.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => take.WaitAsync(TimeSpan.FromSeconds(30), Deadline));
        // An hour's wait in a decoding thread ends too.
        await Task.Run(pipeline.Dispose, Deadline).WaitAsync(TimeSpan.FromSeconds(30), Deadline);
    }

    private sealed unsafe class CountingMemory : IBatchMemory
    {
        private readonly Dictionary<nint, long> sizes = [];
        private long now;

        public long Peak { get; private set; }

        public int Live
        {
            get
            {
                lock (sizes) return sizes.Count;
            }
        }

        public nint Allocate(nuint bytes)
        {
            var memory = (nint)NativeMemory.Alloc(bytes);
            lock (sizes)
            {
                sizes.Add(memory, (long)bytes);
                Peak = Math.Max(Peak, now += (long)bytes);
            }
            return memory;
        }

        public void Free(nint memory)
        {
            lock (sizes)
            {
                Assert.True(sizes.Remove(memory, out var bytes), "freed twice, or never allocated");
                now -= bytes;
            }
            NativeMemory.Free((void*)memory);
        }
    }
}
