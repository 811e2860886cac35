using System.Runtime.InteropServices;
using System.Security.Cryptography;
using VaeCluster.Data.Cache;
using VaeCluster.Data.Images;
using VaeCluster.Data.Pipeline;

namespace VaeCluster.Data.Tests.Cache;

public sealed class DecodedCacheTests
{
    private static readonly ImageShape Shape = new(3, 24, PixelRange.ZeroToOne);

    private static CancellationToken Deadline => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(CropMode.Center, null)]
    [InlineData(CropMode.Random, null)]
    [InlineData(CropMode.Random, 30)]
    public void Take_WithOrWithoutCache_GivesTheSameBytes(CropMode crop, int? cropSize)
    {
        using var folder = new TemporaryFolder();
        Photos(folder.File("images"), 40);
        DataOptions Options(string? cache) => new()
        {
            Source = $"folder:{folder.File("images")}",
            Threads = 1,
            Flip = true,
            Crop = crop,
            CropSize = cropSize,
            Cache = new CacheOptions { Folder = cache },
        };
        var (without, _) = Epochs(Options(null));
        var (filling, fillHits) = Epochs(Options(folder.File("cache")));
        var (cached, hits) = Epochs(Options(folder.File("cache")));
        Assert.Equal(without, filling);
        Assert.Equal(without, cached);
        // The second epoch already comes from what the first one left.
        Assert.Equal(32, fillHits);
        Assert.Equal(64, hits);
    }

    [Fact]
    public void Snapshot_OfACacheThatFills_CountsLookupsAndBytes()
    {
        using var folder = new TemporaryFolder();
        Photos(folder.File("images"), 40);
        using var data = DataSet.Open(Options(folder), cancellation: Deadline);
        using var pipeline = new SlotPipeline(data, PipelineOptions.Training(data, Shape, batch: 8, slots: 1, seed: 5));
        var steps = 2 * 32 / 8;
        pipeline.Aim(0, 1, 0, end: steps);
        for (var step = 0; step < steps; step++) pipeline.Take(step, 0, Deadline).Dispose();

        var seen = pipeline.Snapshot();
        Assert.Equal((32, 32, 32L * Shape.Values), (seen.CacheHits, seen.CacheMisses, seen.CacheBytes));
        pipeline.Dispose();
        Assert.Equal((32, 0), (pipeline.Snapshot().CacheHits, pipeline.Snapshot().CacheBytes));
    }

    [Fact]
    public async Task Take_SeveralWorkersFillOneCache_GivesTheSameBytes()
    {
        using var folder = new TemporaryFolder();
        Photos(folder.File("images"), 60);
        var without = Epochs(Options(folder, cache: null)).Hash;
        var options = Options(folder);
        options.Threads = 2;
        var workers = Enumerable.Range(0, 4).Select(_ => Task.Run(() => Epochs(options).Hash, Deadline));
        Assert.All(await Task.WhenAll(workers).WaitAsync(TimeSpan.FromMinutes(1), Deadline), hash => Assert.Equal(without, hash));
        Assert.Equal((without, 96), Epochs(Options(folder)));
        // Each image once, though several workers decoded it at the same time.
        using var data = DataSet.Open(options, cancellation: Deadline);
        using var pipeline = new SlotPipeline(data, PipelineOptions.Training(data, Shape, batch: 8, slots: 1, seed: 5));
        Assert.Equal(48 * Shape.Values, pipeline.Snapshot().CacheBytes);
    }

    [Fact]
    public void Take_DamagedPixels_AreDecodedAgain()
    {
        using var folder = new TemporaryFolder();
        Photos(folder.File("images"), 20);
        var whole = Epochs(Options(folder)).Hash;
        var pixels = Directory.GetFiles(folder.File("cache"), "pixels", SearchOption.AllDirectories).Single();
        using (var file = File.OpenWrite(pixels))
        {
            // As after a power failure: the index reached the disk and some pixels did not.
            file.Position = 3 * Shape.Values + 17;
            file.Write(new byte[Shape.Values]);
        }
        var (hash, hits) = Epochs(Options(folder));
        Assert.Equal(whole, hash);
        Assert.Equal(32 - 2, hits);
        Assert.Equal((whole, 32), Epochs(Options(folder)));
    }

    [Fact]
    public void Take_CacheOfLimitedSize_KeepsWhatFits()
    {
        using var folder = new TemporaryFolder();
        Photos(folder.File("images"), 1000);
        var options = Options(folder);
        options.Cache.LimitGigabytes = 0.001;
        var without = Epochs(Options(folder, cache: null)).Hash;
        var fits = (long)(0.001 * (1L << 30)) / Shape.Values;
        Assert.InRange(fits, 1, 799);
        Assert.Equal((without, fits), Epochs(options));
        Assert.Equal((without, 2 * fits), Epochs(options));
    }

    [Fact]
    public void Open_FolderAtItsLimit_DropsOldCachesThatNobodyUses()
    {
        using var folder = new TemporaryFolder();
        Photos(folder.File("images"), 400);
        DataOptions Sized(double limit, ResizeMode resize)
        {
            var options = Options(folder);
            options.Resize = resize;
            options.Cache.LimitGigabytes = limit;
            return options;
        }
        Epochs(Sized(0.001, ResizeMode.ShortSide));
        var first = Directory.GetDirectories(folder.File("cache")).Single();
        var (_, hits) = Epochs(Sized(0.001, ResizeMode.Stretch));
        Assert.True(hits > 0);
        Assert.False(Directory.Exists(first));

        // While another worker uses it, it stays, and the newcomer has no room.
        using var data = DataSet.Open(Sized(0.001, ResizeMode.Stretch), cancellation: Deadline);
        using var used = new SlotPipeline(data, PipelineOptions.Training(data, Shape, 8, 1, seed: 1));
        Assert.Equal(0, Epochs(Sized(0.0005, ResizeMode.ShortSide)).Hits);
    }

    [Fact]
    public async Task Take_AfterAWorkerWasKilledWhileFilling_GivesTheSameBytes()
    {
        using var folder = new TemporaryFolder();
        Photos(folder.File("images"), 500);
        var without = Epochs(Options(folder, cache: null)).Hash;
        for (var round = 0; round < 2; round++)
        {
            using var worker = ChildProcess.Start(typeof(DecodedCacheTests), nameof(FillCacheUntilKilled), folder.Path);
            using var limit = CancellationTokenSource.CreateLinkedTokenSource(Deadline);
            limit.CancelAfter(TimeSpan.FromSeconds(60));
            // Its pixels have begun to arrive: now.
            while (!HasPixels(folder) && !worker.HasExited) await Task.Delay(1, limit.Token);
            worker.Kill();
            await worker.WaitForExitAsync(limit.Token);
            Assert.Equal(128 + 9, worker.ExitCode);
        }
        // The image it was just writing, if any, is free for another from now on.
        await Task.Delay(TimeSpan.FromSeconds(1), Deadline);
        Assert.Equal(without, Epochs(Options(folder)).Hash);
        Assert.Equal((without, 800), Epochs(Options(folder)));
    }

    /// <summary>Run by the test above in a process of its own; it would go on for ever.</summary>
    [Fact(Explicit = true)]
    public void FillCacheUntilKilled()
    {
        var path = ChildProcess.MeetingPlace();
        while (true) Epochs(new DataOptions { Source = $"folder:{path}/images", Cache = new CacheOptions { Folder = $"{path}/cache" } });
    }

    private static bool HasPixels(TemporaryFolder folder)
    {
        if (!Directory.Exists(folder.File("cache"))) return false;
        var pixels = Directory.GetFiles(folder.File("cache"), "pixels", SearchOption.AllDirectories).FirstOrDefault();
        if (pixels is null || new FileInfo(pixels).Length < 64) return false;
        using var file = File.OpenRead(pixels);
        var first = new byte[64];
        return file.ReadAtLeast(first, 64, throwOnEndOfStream: false) == 64 && first.AsSpan().IndexOfAnyExcept((byte)0) >= 0;
    }

    private static DataOptions Options(TemporaryFolder folder, string? cache = "cache") => new()
    {
        Source = $"folder:{folder.File("images")}",
        // With more of them, who is first to ask for a sample is chance, and so is the number of hits.
        Threads = 1,
        Cache = new CacheOptions { Folder = cache is null ? null : folder.File(cache) },
    };

    /// <summary>The hash of two epochs of training batches, and how many images came from the cache.</summary>
    private static (string Hash, long Hits) Epochs(DataOptions options)
    {
        using var data = DataSet.Open(options, cancellation: Deadline);
        using var pipeline = new SlotPipeline(data, PipelineOptions.Training(data, Shape, batch: 8, slots: 2, seed: 5));
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var steps = 2 * ((data.Manifest.Count(Data.Splits.Split.Train) + 7) / 8);
        pipeline.Aim(0, 2, 0, end: steps);
        for (var step = 0L; step < steps; step++)
        {
            for (var slot = 0; slot < 2; slot++)
            {
                using var batch = pipeline.Take(step, slot, Deadline);
                hash.AppendData(MemoryMarshal.AsBytes(batch.Pixels));
            }
        }
        return (Convert.ToHexString(hash.GetHashAndReset()), pipeline.Snapshot().CacheHits);
    }

    /// <summary>Images of many sizes, none of them constant.</summary>
    internal static void Photos(string folder, int count)
    {
        Directory.CreateDirectory(folder);
        for (var i = 0; i < count; i++)
        {
            var (width, height) = (30 + i % 17, 28 + i % 23);
            var pixels = new byte[width * height * 3];
            new Random(i).NextBytes(pixels);
            ImageWriter.WritePng(Path.Combine(folder, $"{i:D4}.png"), width, height, 3, pixels);
        }
    }
}
