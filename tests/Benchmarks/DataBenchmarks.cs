using System.Diagnostics;
using VaeCluster.Data;
using VaeCluster.Data.Cache;
using VaeCluster.Data.Order;
using VaeCluster.Data.Pipeline;
using VaeCluster.Data.Splits;

namespace Benchmarks;

/// <summary>
/// Photos to batches, per core, against torchvision with PIL (Debian's, one thread) in turn in one run: decoded each time,
/// and from the decoded cache. Then what the manifest of millions costs, and how long a training step waits for its images.
/// </summary>
internal static class DataBenchmarks
{
    private const int Batch = 32;
    private const int Rounds = 5;

    public static async Task RunAsync()
    {
        using var folder = new TemporaryFolder();
        await PhotosAsync(folder);
        await ManifestBenchmark.RunAsync(folder);
        DataWaitBenchmark.Run(folder);
    }

    private static async Task PhotosAsync(TemporaryFolder folder)
    {
        var photos = await PhotosFolderAsync(folder);
        await using var peer = new TorchvisionPeer(photos);
        var count = Directory.GetFiles(photos).Length;
        Console.WriteLine($"{count} photos of {Path.GetFileName(photos)}, batches of {Batch}, images/s on one core, median (range) of {Rounds} rounds in turn");
        foreach (var size in (int[])[64, 256])
        {
            var cache = new CacheOptions { Folder = folder.File($"cache-{size}") };
            await peer.SecondsAsync(size);
            Seconds(photos, size, null);
            Seconds(photos, size, cache);

            var (theirs, decoded, cached) = (new List<double>(), new List<double>(), new List<double>());
            for (var round = 0; round < Rounds; round++)
            {
                theirs.Add(count / await peer.SecondsAsync(size));
                decoded.Add(count / Seconds(photos, size, null));
                // So fast that one epoch measures the start; ten measure the reading.
                cached.Add(10 * count / Seconds(photos, size, cache, epochs: 10));
            }
            var (them, us, kept) = (new Figures(theirs), new Figures(decoded), new Figures(cached));
            Console.WriteLine($"{size,4} px   torchvision+PIL {them}");
            Console.WriteLine($"          decode+resize   {us}   {us.Median / them.Median:F2}x (floor 2x)");
            Console.WriteLine($"          from the cache  {kept}   {kept.Median / them.Median:F1}x (floor 20x)");
        }
    }

    /// <summary>The time of whole epochs through the pipeline with one decoding thread, as a trainer takes them.</summary>
    private static double Seconds(string photos, int size, CacheOptions? cache, int epochs = 1)
    {
        using var data = DataSet.Open(new DataOptions
        {
            Source = $"folder:{photos}",
            Split = new SplitOptions { By = SplitMode.Share, Share = 1 },
            Threads = 1,
            PrefetchMegabytes = 64,
            Cache = cache ?? new CacheOptions(),
        });
        var samples = new StepSamples(data.Manifest.Count(Split.Train), Batch, 1, Seed: 1);
        var steps = epochs * samples.StepsPerEpoch;
        using var pipeline = new SlotPipeline(data, new PipelineOptions(Split.Train, samples, new ImageShape(3, size, PixelRange.ZeroToOne), Augment: true));
        var start = Stopwatch.GetTimestamp();
        pipeline.Aim(0, 1, 0, steps);
        for (var step = 0L; step < steps; step++) pipeline.Take(step, 0, CancellationToken.None).Dispose();
        return Stopwatch.GetElapsedTime(start).TotalSeconds;
    }

    /// <summary>The dog photos where they are; else photo-like noise of the same sizes.</summary>
    private static async Task<string> PhotosFolderAsync(TemporaryFolder folder)
    {
        if (TestData.Find("dogs") is { } dogs) return dogs;
        var made = folder.File("photos");
        Directory.CreateDirectory(made);
        await Python.RunAsync("""
            import sys, numpy
            from PIL import Image
            random = numpy.random.default_rng(1)
            for i in range(300):
                small = Image.fromarray(random.integers(0, 256, (40, 50, 3), dtype='uint8'))
                small.resize((300 + i % 200, 374), Image.BICUBIC).save(f'{sys.argv[1]}/{i}.jpg', quality=90)
            """, made);
        return made;
    }
}
