using System.Diagnostics;
using System.Formats.Tar;
using System.Text;
using VaeCluster.Data;
using VaeCluster.Data.Manifests;
using VaeCluster.Data.Order;
using VaeCluster.Data.Splits;

namespace Benchmarks;

/// <summary>
/// The manifest of 10 million images in 1,000 shards with an index beside each (the shards are sparse files: listing does
/// not read them), and of shards without an index, whose headers are read.
/// </summary>
internal static class ManifestBenchmark
{
    private const int Shards = 1000;
    private const int PerShard = 10_000;
    private const int Scanned = 200_000;

    public static Task RunAsync(TemporaryFolder folder)
    {
        var shards = folder.File("shards");
        Directory.CreateDirectory(shards);
        for (var shard = 0; shard < Shards; shard++) WriteIndexed(Path.Combine(shards, $"train-{shard:D6}"), shard);

        var before = GC.GetTotalMemory(forceFullCollection: true);
        var start = Stopwatch.GetTimestamp();
        using var data = DataSet.Open(new DataOptions { Source = $"tar:{shards}" });
        var listing = Stopwatch.GetElapsedTime(start).TotalSeconds;
        var count = data.Manifest.Count();
        Console.WriteLine($"manifest of {count:N0} images in {Shards:N0} shards with indices: {listing:F1} s, {listing / count * 1e6:F2} s per million (ceiling 60 s)");

        data.Manifest.Save(folder.File("manifest"));
        start = Stopwatch.GetTimestamp();
        using var loaded = Manifest.Load(folder.File("manifest"));
        var loading = Stopwatch.GetElapsedTime(start).TotalSeconds;
        var held = GC.GetTotalMemory(forceFullCollection: true) - before;
        Console.WriteLine($"  {data.Manifest.Bytes / 1e6:F1} MB on disk ({(double)data.Manifest.Bytes / count:F2} bytes an image); a worker opens and checks it in "
            + $"{loading:F2} s and holds {held / 2e6:F1} MB of objects, the rest is mapped");

        var order = new SampleOrder(1, 0, loaded.Count(Split.Train));
        var bytes = 0L;
        start = Stopwatch.GetTimestamp();
        for (var i = 0L; i < 1_000_000; i++) bytes += loaded[loaded.SampleOf(Split.Train, order[i])].Size;
        Console.WriteLine($"  a sample of an epoch found by its position: {Stopwatch.GetElapsedTime(start).TotalSeconds * 1000:F0} ns ({bytes / 1e9:F0} GB seen)");

        ScanHeaders(folder);
        return Task.CompletedTask;
    }

    private static void ScanHeaders(TemporaryFolder folder)
    {
        var plain = folder.File("plain");
        Directory.CreateDirectory(plain);
        using (var tar = new TarWriter(File.Create(Path.Combine(plain, "a.tar")), TarEntryFormat.Ustar))
        {
            for (var i = 0; i < Scanned; i++)
                tar.WriteEntry(new UstarTarEntry(TarEntryType.RegularFile, $"{i:D9}.jpg") { DataStream = new MemoryStream(new byte[1 + i % 3000]) });
        }
        var start = Stopwatch.GetTimestamp();
        using var data = DataSet.Open(new DataOptions { Source = $"tar:{plain}" });
        var seconds = Stopwatch.GetElapsedTime(start).TotalSeconds;
        Console.WriteLine($"  without an index, from {data.Manifest.Count():N0} headers: {seconds / data.Manifest.Count() * 1e6:F2} s per million");
    }

    private static void WriteIndexed(string path, int shard)
    {
        var random = new Random(shard);
        var text = new StringBuilder($"v1.1 {PerShard}\n", PerShard * 24);
        var header = 0L;
        using (var file = File.Create(path + ".tar"))
        {
            for (var i = 0; i < PerShard; i++)
            {
                var size = random.Next(5_000, 200_000);
                text.Append("jpg ").Append(header + 512).Append(' ').Append(size).Append('\n');
                if (i is 0 or PerShard - 1)
                {
                    file.Position = header;
                    file.Write(Header(i, size));
                }
                header += 512 + (size + 511) / 512 * 512;
            }
            file.SetLength(header + 1024);
        }
        File.WriteAllText(path + ".idx", text.ToString());
    }

    private static byte[] Header(int index, int size)
    {
        var header = new byte[512];
        Encoding.ASCII.GetBytes($"{index:D9}.jpg").CopyTo(header, 0);
        Encoding.ASCII.GetBytes(Convert.ToString(size, 8).PadLeft(11, '0')).CopyTo(header, 124);
        header[156] = (byte)'0';
        header.AsSpan(148, 8).Fill((byte)' ');
        Encoding.ASCII.GetBytes(Convert.ToString(header.Sum(value => value), 8).PadLeft(6, '0') + "\0").CopyTo(header, 148);
        return header;
    }
}
