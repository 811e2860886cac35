using System.Diagnostics;
using VaeCluster.Checkpoints.Tests.Storage;

namespace VaeCluster.Checkpoints.Tests.Crashes;

/// <summary>A process that saves one step after the other is killed at any moment; what it leaves is good.</summary>
public sealed class KilledWriterTests
{
    private const int Lanes = 4;
    private const int RoundsPerLane = 50;

    // Half a minute on two idle cores.
    private static readonly TimeSpan ManyMinutes = TimeSpan.FromMinutes(10);

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Kill_At200RandomMoments_LatestVerifiesAndLeftoversAreCleared()
    {
        var interrupted = await Task.WhenAll(Enumerable.Range(0, Lanes).Select(async lane =>
        {
            await using var place = new FolderPlace();
            // Below the place, so that a folder that is not there yet is among the moments.
            var folder = Path.Combine(place.Folder, CheckpointStorage.FolderName);
            return await KillAgainAndAgainAsync(new FolderStorage(folder), place, folder, "", new Random(lane), RoundsPerLane);
        })).Within("200 kills", ManyMinutes);

        // Else no kill would have met a save.
        Assert.True(interrupted.Sum() > 20, $"only {interrupted.Sum()} of the kills interrupted a save");
    }

    [Fact]
    public async Task Kill_WhileSavingToS3_LatestVerifiesAndLeftoversAreCleared()
    {
        await using var place = new S3Place("honoured");
        await place.InitializeAsync();

        await KillAgainAndAgainAsync(place.Open(), place, place.Url, place.Options.Endpoint!, new Random(99), rounds: 6).Within("6 kills", ManyMinutes);
    }

    private static async Task<int> KillAgainAndAgainAsync(
        ICheckpointStorage storage, StoragePlace place, string url, string endpoint, Random random, int rounds)
    {
        using var _ = storage;
        var catalog = new CheckpointCatalog(storage);
        var (step, interrupted) = (0L, 0);
        for (var round = 1; round <= rounds; round++)
        {
            await SaveUntilKilledAsync(url, endpoint, step + 1, round, TimeSpan.FromMilliseconds(random.NextDouble() * (round == 1 ? 400 : 60)));
            if ((await place.FilesAsync()).Any(IsLeftover)) interrupted++;
            step = await CheckAsync(catalog, step);
        }

        var outcomes = new Outcomes();
        await using var writer = new CheckpointWriter(storage, new CheckpointOptions(), outcomes.Add);
        writer.TrySave(Sample.Snapshot(step + 1, new CheckpointOwner("survivor", (ulong)rounds + 1, 1)));
        Assert.Null((await outcomes.NextAsync<CheckpointSaved>()).Warning);
        Assert.DoesNotContain(await place.FilesAsync(), IsLeftover);
        return interrupted;
    }

    // Each kill is followed by a new term, as when everything is started again.
    private static async Task SaveUntilKilledAsync(string place, string endpoint, long step, int term, TimeSpan after)
    {
        using var process = Process.Start(new ProcessStartInfo(Environment.ProcessPath!, [SavingProcess.Command, place, endpoint, $"{step}", $"{term}"])
        {
            RedirectStandardOutput = true, // Starts quicker, which is most of what this test does.
            Environment = { ["DOTNET_TieredPGO"] = "0", ["DOTNET_EnableWriteXorExecute"] = "0" },
        })!;
        try
        {
            Assert.Equal("saving", await process.StandardOutput.ReadLineAsync(Stop).AsTask().Within("the process that saves"));
            await Task.Delay(after, Stop);
        }
        finally
        {
            process.Kill();
            await process.WaitForExitAsync(CancellationToken.None).Within("the killed process");
        }
    }

    private static async Task<long> CheckAsync(CheckpointCatalog catalog, long before)
    {
        var entries = await catalog.ListAsync(Stop);
        foreach (var entry in entries) Assert.Empty(await catalog.VerifyAsync(entry, Stop));
        if (await catalog.LatestAsync(Stop) is { } latest) Assert.Contains(latest.Checkpoint, entries.Select(entry => entry.Name));
        using var loaded = await catalog.LoadAsync(CheckpointChoice.Latest, Stop);
        if (loaded is null) return before;
        Assert.Null(loaded.Warning);
        Assert.True(loaded.Metadata.Step >= before, $"step {before} was saved, step {loaded.Metadata.Step} is loaded");
        Sample.AssertIs(loaded, loaded.Metadata.Step, SavingProcess.Values);
        return loaded.Metadata.Step;
    }

    private static bool IsLeftover(string path) => path.Contains(".tmp.") || path.Contains(".deleted");
}
