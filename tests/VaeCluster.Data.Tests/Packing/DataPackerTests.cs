using VaeCluster.Data.Packing;
using VaeCluster.Data.Splits;
using VaeCluster.Data.Tests.Cache;

namespace VaeCluster.Data.Tests.Packing;

public sealed class DataPackerTests
{
    private static CancellationToken Deadline => TestContext.Current.CancellationToken;

    [Fact]
    public void Pack_Folder_KeepsEveryByteAndTheSplit()
    {
        using var folder = new TemporaryFolder();
        DecodedCacheTests.Photos(folder.File("images"), 50);
        File.WriteAllText(folder.File("images/broken.png"), "no image");
        using var data = DataSet.Open(new DataOptions { Source = $"folder:{folder.File("images")}" }, cancellation: Deadline);
        var report = new DataPacker(data, folder.File("shards"), shardBytes: 20_000).Pack(cancellation: Deadline);
        Assert.Equal((51, 0), (report.Samples, report.Kept));
        Assert.True(report.Shards > 4);

        using var packed = DataSet.Open(new DataOptions { Source = $"tar:{folder.File("shards")}" }, cancellation: Deadline);
        foreach (var split in Enum.GetValues<Split>())
        {
            Assert.Equal(data.Manifest.Count(split), packed.Manifest.Count(split));
            for (var i = 0; i < data.Manifest.Count(split); i++)
            {
                var (from, to) = (data.Manifest[data.Manifest.SampleOf(split, i)], packed.Manifest[packed.Manifest.SampleOf(split, i)]);
                var shard = File.ReadAllBytes(folder.File($"shards/{to.Path}"));
                Assert.Equal(File.ReadAllBytes(folder.File($"images/{from.Path}")), shard[(int)to.Offset..(int)(to.Offset + to.Size)]);
            }
        }
    }

    [Fact]
    public void Pack_Resumed_GoesOnAndEndsWithTheSameBytes()
    {
        using var folder = new TemporaryFolder();
        DecodedCacheTests.Photos(folder.File("images"), 40);
        using var data = DataSet.Open(new DataOptions { Source = $"folder:{folder.File("images")}" }, cancellation: Deadline);
        new DataPacker(data, folder.File("whole"), 20_000).Pack(cancellation: Deadline);

        // Ended in the middle; then one shard is damaged, one lost its index, and a killed process left its half.
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(Deadline);
        var packer = new DataPacker(data, folder.File("resumed"), 20_000);
        Assert.Throws<OperationCanceledException>(() => packer.Pack(new Callback(report => { if (report.Shards == 3) stop.Cancel(); }), stop.Token));
        using (var cut = File.OpenWrite(folder.File("resumed/train-000000.tar"))) cut.SetLength(600);
        File.Delete(folder.File("resumed/train-000001.idx"));
        File.WriteAllText(folder.File("resumed/train-000003.tar.unfinished"), "half");
        var report = packer.Pack(cancellation: Deadline);
        Assert.Equal(1, report.Kept);

        string[] Names(string place) => [.. Directory.GetFiles(folder.File(place)).Select(file => Path.GetFileName(file)).Order()];
        Assert.Equal(Names("whole"), Names("resumed"));
        Assert.All(Names("whole"), name => Assert.Equal(File.ReadAllBytes(folder.File($"whole/{name}")), File.ReadAllBytes(folder.File($"resumed/{name}"))));
        Assert.Equal(report.Shards, packer.Pack(cancellation: Deadline).Kept);
    }

    [Fact]
    public void Pack_IntoAFolderOfOtherShards_IsRefused()
    {
        using var folder = new TemporaryFolder();
        DecodedCacheTests.Photos(folder.File("images"), 5);
        using var data = DataSet.Open(new DataOptions { Source = $"folder:{folder.File("images")}" }, cancellation: Deadline);
        new DataPacker(data, folder.File("shards"), 20_000).Pack(cancellation: Deadline);
        Assert.Contains("Name an empty folder", Assert.Throws<UserErrorException>(() => new DataPacker(data, folder.File("shards"), 30_000).Pack(cancellation: Deadline)).Message, StringComparison.Ordinal);
        File.Delete(folder.File("shards/pack.json"));
        Assert.Contains("Name an empty folder", Assert.Throws<UserErrorException>(() => new DataPacker(data, folder.File("shards"), 20_000).Pack(cancellation: Deadline)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Pack_FileThatVanished_NamesItAndKeepsWhatIsDone()
    {
        using var folder = new TemporaryFolder();
        DecodedCacheTests.Photos(folder.File("images"), 20);
        var options = new DataOptions
        {
            Source = $"folder:{folder.File("images")}",
            Read = new Data.Reading.ReadOptions { Attempts = 2, FirstDelay = TimeSpan.FromMilliseconds(1) },
        };
        using var data = DataSet.Open(options, cancellation: Deadline);
        var last = data.Manifest[data.Manifest.SampleOf(Split.Validation, 3)].Path;
        var bytes = File.ReadAllBytes(folder.File($"images/{last}"));
        File.Delete(folder.File($"images/{last}"));
        var packer = new DataPacker(data, folder.File("shards"), 20_000);
        Assert.Contains(last, Assert.Throws<UserErrorException>(() => packer.Pack(cancellation: Deadline)).Message, StringComparison.Ordinal);
        File.WriteAllBytes(folder.File($"images/{last}"), bytes);
        var report = packer.Pack(cancellation: Deadline);
        Assert.Equal((20, report.Shards - 1), (report.Samples, report.Kept));
    }

    private sealed class Callback(Action<PackReport> action) : IProgress<PackReport>
    {
        public void Report(PackReport value) => action(value);
    }
}
