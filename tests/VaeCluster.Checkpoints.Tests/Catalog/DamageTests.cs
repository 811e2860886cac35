using VaeCluster.Checkpoints.Tests.Storage;

namespace VaeCluster.Checkpoints.Tests.Catalog;

public sealed class DamageTests : IAsyncDisposable
{
    private const int Rounds = 1000;
    private const int Values = 100;

    private readonly FolderPlace _place = new();

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    public ValueTask DisposeAsync() => _place.DisposeAsync();

    [Fact]
    public async Task Load_1000RandomFlipsAndTruncations_EachIsFoundAndTheOlderOneTaken()
    {
        using var storage = _place.Open();
        var catalog = new CheckpointCatalog(storage);
        var outcomes = new Outcomes();
        await using (var writer = new CheckpointWriter(storage, new CheckpointOptions(), outcomes.Add))
        {
            foreach (var step in (long[])[10, 20])
            {
                writer.TrySave(Sample.Snapshot(step, values: Values));
                await writer.FlushAsync(Stop);
            }
        }
        var files = (await _place.FilesAsync()).Where(path => path.StartsWith(CheckpointName.Of(20), StringComparison.Ordinal)).Order().ToList();
        Assert.Equal(4, files.Count);
        var random = new Random(1);

        for (var round = 0; round < Rounds; round++)
        {
            var path = files[random.Next(files.Count)];
            var good = await _place.GetAsync(path);
            var (damaged, what) = round % 2 == 0 ? Flipped(good, random) : CutOff(good, random);
            await _place.PutAsync(path, damaged);

            using (var loaded = await catalog.LoadAsync(CheckpointChoice.Latest, Stop))
            {
                Assert.True(loaded!.Metadata.Step == 10, $"{path}, {what}: taken for good");
                Sample.AssertIs(loaded, 10, Values);
                // One sentence for one file.
                Assert.Contains(path, loaded.Warning);
                Assert.Equal(files.Where(file => file == path), files.Where(file => loaded.Warning!.Contains(file)));
            }
            await _place.PutAsync(path, good);
        }
        using var whole = await catalog.LoadAsync(CheckpointChoice.Latest, Stop);
        Sample.AssertIs(whole!, 20, Values);
    }

    private static (byte[] Bytes, string What) Flipped(byte[] good, Random random)
    {
        byte[] bytes = [.. good];
        var (at, bit) = (random.Next(bytes.Length), random.Next(8));
        bytes[at] ^= (byte)(1 << bit);
        return (bytes, $"bit {bit} of byte {at} flipped");
    }

    private static (byte[] Bytes, string What) CutOff(byte[] good, Random random)
    {
        var length = random.Next(good.Length);
        return (good[..length], $"cut off after {length} of {good.Length} bytes");
    }
}
