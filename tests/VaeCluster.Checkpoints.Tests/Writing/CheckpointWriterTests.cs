using VaeCluster.Checkpoints.Tests.Storage;

namespace VaeCluster.Checkpoints.Tests.Writing;

/// <summary>What the training thread sees of a save.</summary>
public sealed class CheckpointWriterTests : IAsyncDisposable
{
    private static readonly RetryDelays Never = new(TimeSpan.FromHours(1), TimeSpan.FromHours(1));

    private readonly FolderPlace _place = new();
    private readonly Outcomes _outcomes = new();

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    public ValueTask DisposeAsync() => _place.DisposeAsync();

    [Fact]
    public async Task TrySave_WhileOneIsWritten_IsNotTakenUntilItIsDone()
    {
        using var storage = new GatedStorage(_place.Open());
        await using var writer = Writer(storage);
        Assert.True(writer.TrySave(Sample.Snapshot(10)));
        await storage.ReachedAsync();

        Assert.False(writer.TrySave(Sample.Snapshot(20)));
        storage.Open();
        Assert.Equal(10, (await _outcomes.NextAsync<CheckpointSaved>()).Step);
        await writer.FlushAsync(Stop);
        Assert.True(writer.TrySave(Sample.Snapshot(21)));

        Assert.Equal(21, (await _outcomes.NextAsync<CheckpointSaved>()).Step);
    }

    [Fact]
    public async Task TrySave_ValuesChangeAfterwards_SavesThoseOfTheCall()
    {
        var values = new byte[400];
        var tensor = new CheckpointTensor("weight", SafetensorsType.F32, [100], values.CopyTo);
        using var storage = new GatedStorage(_place.Open());
        await using var writer = Writer(storage);
        writer.TrySave(new CheckpointSnapshot(Sample.Snapshot(10).Metadata, [tensor], []));
        await storage.ReachedAsync();

        values.AsSpan().Fill(1);
        storage.Open();
        await _outcomes.NextAsync<CheckpointSaved>();

        using var loaded = await new CheckpointCatalog(storage).LoadAsync(CheckpointChoice.Latest, Stop);
        Assert.Equal(-1, loaded!.Weights.Bytes(loaded.Weights.Find("weight")!).IndexOfAnyExcept((byte)0));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData((7 << 20) + 3)] // pieces for several threads, and a rest
    public async Task TrySave_ValuesThatLieInMemory_AreTakenFromThere(int length)
    {
        var values = new byte[length];
        new Random(length).NextBytes(values);
        var pinned = System.Runtime.InteropServices.GCHandle.Alloc(values, System.Runtime.InteropServices.GCHandleType.Pinned);
        CheckpointTensor Tensor(string name) => new(name, SafetensorsType.U8, [length], _ => throw new InvalidOperationException("is in memory"))
        {
            Address = pinned.AddrOfPinnedObject,
        };
        using var storage = _place.Open();
        await using var writer = Writer(storage);
        var expected = values.ToArray();
        writer.TrySave(new CheckpointSnapshot(Sample.Snapshot(10).Metadata, [Tensor("a"), Tensor("b")], [Tensor("c")]));
        // The save has its own from now on.
        Array.Clear(values);
        pinned.Free();
        await _outcomes.NextAsync<CheckpointSaved>();

        using var loaded = await new CheckpointCatalog(storage).LoadAsync(CheckpointChoice.Latest, Stop);
        Assert.All([(loaded!.Weights, "a"), (loaded.Weights, "b"), (loaded.Optimizer, "c")], saved => Assert.Equal(expected, saved.Item1.Bytes(saved.Item1.Find(saved.Item2)!)));
    }

    [Fact]
    public async Task TrySave_WhileOneWaitsForTheStorage_TakesItsPlace()
    {
        var block = Path.Combine(_place.Folder, "block");
        File.WriteAllText(block, "");
        using var storage = new FolderStorage(Path.Combine(block, "checkpoints"));
        await using var writer = Writer(storage, Never);
        writer.TrySave(Sample.Snapshot(10));
        var failed = await _outcomes.NextAsync<CheckpointAttemptFailed>();
        Assert.StartsWith(storage.Location + ": ", failed.Message);
        Assert.Equal(1, writer.FailedInARow);

        await SaveWhenTakenAsync(writer, 20);
        Assert.Equal(new CheckpointSuperseded(10, 20), await _outcomes.NextAsync());
        File.Delete(block);
        Assert.True(await writer.SaveLastAsync(Sample.Snapshot(21), Stop).Within("the last save"));

        Assert.Equal(new CheckpointSuperseded(20, 21), await _outcomes.NextAsync());
        Assert.Equal(21, (await _outcomes.NextAsync<CheckpointSaved>()).Step);
        Assert.Equal(0, writer.FailedInARow);
    }

    [Fact]
    public async Task TrySave_StorageComesBack_IsRetriedUntilSaved()
    {
        var block = Path.Combine(_place.Folder, "block");
        File.WriteAllText(block, "");
        using var storage = new FolderStorage(Path.Combine(block, "checkpoints"));
        await using var writer = Writer(storage, new RetryDelays(TimeSpan.FromMilliseconds(1), TimeSpan.FromMilliseconds(4)));
        writer.TrySave(Sample.Snapshot(10));
        for (var attempt = 1; attempt <= 4; attempt++)
        {
            var failed = await _outcomes.NextAsync<CheckpointAttemptFailed>();
            Assert.Equal((attempt, attempt switch { 1 => 1, 2 => 2, _ => 4 }), (failed.Attempt, (int)failed.RetryIn.TotalMilliseconds));
        }

        File.Delete(block);

        var saved = await _outcomes.UntilAsync<CheckpointSaved>();
        Assert.Equal(10, saved.Step);
        Assert.True(saved.Attempts > 4);
    }

    [Fact]
    public async Task SaveLast_WhileOneIsWritten_ComesAfterIt()
    {
        using var storage = new GatedStorage(_place.Open());
        await using var writer = Writer(storage);
        writer.TrySave(Sample.Snapshot(10));
        await storage.ReachedAsync();

        var last = writer.SaveLastAsync(Sample.Snapshot(11), Stop);
        storage.Open();

        Assert.True(await last.Within("the last save"));
        Assert.Equal(10, (await _outcomes.NextAsync<CheckpointSaved>()).Step);
        Assert.Equal(11, (await _outcomes.NextAsync<CheckpointSaved>()).Step);
    }

    [Fact]
    public async Task SaveLast_StorageStaysAway_EndsWithTheToken()
    {
        using var storage = new GatedStorage(_place.Open());
        await using var writer = Writer(storage);
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(Stop);
        var last = writer.SaveLastAsync(Sample.Snapshot(10), deadline.Token);
        await storage.ReachedAsync();

        await deadline.CancelAsync();

        Assert.False(await last.Within("the last save to be given up"));
        await writer.DisposeAsync();
        Assert.Equal(new CheckpointAbandoned(10), await _outcomes.NextAsync());
    }

    [Fact]
    public async Task TrySave_CopyFails_IsTheCallersAndTheNextOneIsSaved()
    {
        using var storage = _place.Open();
        await using var writer = Writer(storage);
        var broken = new CheckpointTensor("weight", SafetensorsType.F32, [1], _ => throw new InvalidOperationException("no copy"));

        Assert.Throws<InvalidOperationException>(() => { writer.TrySave(new CheckpointSnapshot(Sample.Snapshot(10).Metadata, [broken], [])); });
        Assert.True(writer.TrySave(Sample.Snapshot(11)));

        Assert.Equal(11, (await _outcomes.NextAsync<CheckpointSaved>()).Step);
    }

    private CheckpointWriter Writer(ICheckpointStorage storage, RetryDelays? delays = null) =>
        new(storage, new CheckpointOptions(), _outcomes.Add, delays);

    // As a training does it: asked again after each step.
    private static async Task SaveWhenTakenAsync(CheckpointWriter writer, long step)
    {
        var deadline = TimeProvider.System.GetTimestamp();
        while (!writer.TrySave(Sample.Snapshot(step)))
        {
            Assert.True(TimeProvider.System.GetElapsedTime(deadline) < TimeSpan.FromSeconds(60), "waited 60 s for the writer to take a snapshot");
            await Task.Yield();
        }
    }
}
