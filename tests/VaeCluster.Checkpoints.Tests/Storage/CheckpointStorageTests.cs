namespace VaeCluster.Checkpoints.Tests.Storage;

public sealed class FolderCheckpointTests : CheckpointStorageTests
{
    protected override StoragePlace Place { get; } = new FolderPlace();
}

/// <summary>As on Amazon's and most other servers.</summary>
public sealed class S3CheckpointTests : CheckpointStorageTests
{
    protected override StoragePlace Place { get; } = new S3Place("honoured");
}

/// <summary>As on a server that takes conditional writes for plain ones.</summary>
public sealed class S3WithoutConditionsCheckpointTests : CheckpointStorageTests
{
    protected override StoragePlace Place { get; } = new S3Place("ignored");
}

/// <summary>As on a server that answers conditional writes with 501.</summary>
public sealed class S3RefusingConditionsCheckpointTests : CheckpointStorageTests
{
    protected override StoragePlace Place { get; } = new S3Place("refused");
}

/// <summary>What a checkpoint promises, on every storage.</summary>
public abstract class CheckpointStorageTests : IAsyncLifetime
{
    private static readonly CheckpointOptions KeepAll = new() { KeepLast = 1000 };
    private static readonly CheckpointOwner Next = new("w1", 1, 2);

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    private ICheckpointStorage? _storage;

    protected abstract StoragePlace Place { get; }

    private ICheckpointStorage Storage => _storage!;

    private CheckpointCatalog Catalog => new(Storage);

    public async ValueTask InitializeAsync()
    {
        await Place.InitializeAsync();
        _storage = Place.Open();
    }

    public async ValueTask DisposeAsync()
    {
        _storage?.Dispose();
        await Place.DisposeAsync();
        GC.SuppressFinalize(this);
    }

    [Fact]
    public async Task Save_ThenLoad_GivesTheSameBytes()
    {
        var saved = Assert.IsType<CheckpointSaved>(await SaveAsync(Sample.Snapshot(23, loss: 1.5, config: "train:\n  batch: 8\n")));

        using var loaded = await Catalog.LoadAsync(CheckpointChoice.Latest, Stop);

        Sample.AssertIs(loaded!, 23);
        Assert.Null(loaded!.Warning);
        Assert.Equal(saved.Name, loaded.Name);
        Assert.Equal("train:\n  batch: 8\n", loaded.Metadata.ConfigYaml);
        Assert.Equal(1.5, loaded.Metadata.ValidationLoss);
        Assert.Equal(Sample.Writer, loaded.Metadata.Writer);
        Assert.Equal(TensorHash.Of(loaded.Weights), loaded.Metadata.WeightsSha256);
        Assert.Equal(saved.Name, (await Catalog.LatestAsync(Stop))!.Checkpoint);
    }

    [Fact]
    public async Task Save_LargerThanOnePart_GivesTheSameBytes()
    {
        const int values = 4_500_000; // 18 MB: two parts
        await SaveAsync(Sample.Snapshot(1, values: values));

        using var loaded = await Catalog.LoadAsync(CheckpointChoice.Latest, Stop);

        Sample.AssertIs(loaded!, 1, values);
    }

    [Fact]
    public async Task Load_NothingThere_IsNull() => Assert.Null(await Catalog.LoadAsync(CheckpointChoice.Latest, Stop));

    [Fact]
    public async Task Load_ByStepOrBest_TakesThatOne()
    {
        await SaveAsync(Sample.Snapshot(10, loss: 2), Sample.Snapshot(20, loss: 1), Sample.Snapshot(30, loss: 3));

        using var best = await Catalog.LoadAsync(CheckpointChoice.Best, Stop);
        using var first = await Catalog.LoadAsync(CheckpointChoice.AtStep(10), Stop);
        var missing = await Assert.ThrowsAsync<UserErrorException>(() => Catalog.LoadAsync(CheckpointChoice.AtStep(11), Stop));

        Sample.AssertIs(best!, 20);
        Sample.AssertIs(first!, 10);
        Assert.Contains("no checkpoint of step 11; there are those of steps 10, 20, 30", missing.Message);
    }

    [Theory]
    [InlineData(CheckpointFile.Weights)]
    [InlineData(CheckpointFile.Optimizer)]
    [InlineData(CheckpointFile.Ema)]
    [InlineData(CheckpointRecord.FileName)]
    public async Task Load_FileDamagedCutOffOrGone_TakesTheOlderOneWithOneWarning(string file)
    {
        await SaveAsync(Sample.Snapshot(10), Sample.Snapshot(20));
        var path = (await Place.FilesAsync()).Single(path => path.Contains(CheckpointName.Of(20)) && path.EndsWith(file));
        var good = await Place.GetAsync(path);
        byte[] flipped = [.. good];
        flipped[^20] ^= 1;

        foreach (var damaged in (byte[]?[])[flipped, good[..^1], [], null])
        {
            if (damaged is null) await Place.RemoveAsync(path);
            else await Place.PutAsync(path, damaged);
            using var loaded = await Catalog.LoadAsync(CheckpointChoice.Latest, Stop);
            Sample.AssertIs(loaded!, 10);
            Assert.Contains(file == CheckpointRecord.FileName && damaged is null && Storage is S3Storage ? CheckpointName.Of(20) : path, loaded!.Warning);
        }
    }

    [Fact]
    public async Task Load_AllDamaged_NamesThem()
    {
        await SaveAsync(Sample.Snapshot(10));
        var path = (await Place.FilesAsync()).Single(path => path.EndsWith(CheckpointFile.Weights));
        await Place.PutAsync(path, [1, 2, 3]);

        var error = await Assert.ThrowsAsync<UserErrorException>(() => Catalog.LoadAsync(CheckpointChoice.Latest, Stop));

        Assert.Contains(path, error.Message);
        var problem = Assert.Single(await Catalog.VerifyAsync(Assert.Single(await Catalog.ListAsync(Stop)), Stop));
        Assert.Contains(path, problem);
    }

    [Fact]
    public async Task Load_LatestDamaged_TakesTheNewestAndSaysSo()
    {
        await SaveAsync(Sample.Snapshot(10), Sample.Snapshot(20));
        await Place.PutAsync(LatestPointer.FileName, [0xFF]);

        using var loaded = await Catalog.LoadAsync(CheckpointChoice.Latest, Stop);
        Sample.AssertIs(loaded!, 20);
        Assert.Contains("latest is damaged", loaded!.Warning);

        await SaveAsync(Sample.Snapshot(30));
        Assert.Equal(CheckpointName.Of(30), (await Catalog.LatestAsync(Stop))!.Checkpoint);
    }

    [Fact]
    public async Task Save_HigherGenerationHasWritten_IsRefused()
    {
        await SaveAsync(Sample.Snapshot(20, Next));

        var refused = Assert.IsType<CheckpointRefused>(await SaveAsync(Sample.Snapshot(25)));

        Assert.Contains("worker w0 of generation 1.1 may not write: worker w1 of generation 1.2 has written since", refused.Reason);
        Assert.Equal(CheckpointName.Of(20), (await Catalog.LatestAsync(Stop))!.Checkpoint);
        Assert.DoesNotContain(await Place.FilesAsync(), path => path.Contains(CheckpointName.Of(25)));
    }

    [Fact]
    public async Task Save_AnotherWorkerOfTheSameGeneration_IsRefused()
    {
        await SaveAsync(Sample.Snapshot(20));

        Assert.IsType<CheckpointRefused>(await SaveAsync(Sample.Snapshot(20, new CheckpointOwner("w9", 1, 1))));
        Assert.IsType<CheckpointRefused>(await SaveAsync(Sample.Snapshot(21, new CheckpointOwner("w9", 1, 1))));
    }

    [Fact]
    public async Task Save_TwoWritersAtOnce_OneCheckpointThatVerifies()
    {
        for (var step = 1; step <= 5; step++)
        {
            using var other = Place.Open();
            var both = await Task.WhenAll(
                SaveAsync(Storage, Sample.Snapshot(step, new CheckpointOwner("a", 1, (ulong)step))),
                SaveAsync(other, Sample.Snapshot(step, new CheckpointOwner("b", 1, (ulong)step), salt: 50)));

            // Without conditional writes both may believe that they won; what is there is one of them in any case.
            if (Place is FolderPlace) Assert.Single(both.OfType<CheckpointSaved>());
            var entry = Assert.Single(await Catalog.ListAsync(Stop), entry => entry.Step == step);
            Assert.Empty(await Catalog.VerifyAsync(entry, Stop));
            using var loaded = await Catalog.LoadAsync(CheckpointChoice.AtStep(step), Stop);
            Sample.AssertIs(loaded!, step, salt: entry.Record!.Metadata.Writer.WorkerId == "a" ? 0 : 50);
            Assert.Equal(entry.Name, (await Catalog.LatestAsync(Stop))!.Checkpoint);
        }
    }

    [Fact]
    public async Task Save_SameStateAgain_KeepsTheOneThatIsThere()
    {
        await SaveAsync(Sample.Snapshot(20));

        var again = Assert.IsType<CheckpointSaved>(await SaveAsync(Sample.Snapshot(20, Next)));

        Assert.Equal(CheckpointName.Of(20), again.Name);
        Assert.Single(await Catalog.ListAsync(Stop));
        Assert.Equal(Next, (await Catalog.LatestAsync(Stop))!.Writer);
    }

    [Fact]
    public async Task Save_DamagedOneHasTheName_IsWrittenBesideIt()
    {
        await SaveAsync(Sample.Snapshot(20));
        await Place.PutAsync((await Place.FilesAsync()).Single(path => path.EndsWith(CheckpointFile.Weights)), [1]);

        var again = Assert.IsType<CheckpointSaved>(await SaveAsync(Sample.Snapshot(20, Next)));

        Assert.Equal(CheckpointName.Of(20, 2), again.Name);
        using var loaded = await Catalog.LoadAsync(CheckpointChoice.Latest, Stop);
        Sample.AssertIs(loaded!, 20);
        Assert.Null(loaded!.Warning);
    }

    [Fact]
    public async Task Load_AfterResumeFromOlder_LowerStepOfHigherGenerationIsNewer()
    {
        await SaveAsync(Sample.Snapshot(10), Sample.Snapshot(20), Sample.Snapshot(15, Next));

        using var loaded = await Catalog.LoadAsync(CheckpointChoice.Latest, Stop);

        Sample.AssertIs(loaded!, 15);
    }

    [Fact]
    public async Task Save_LeftoversOfDeadWriters_AreCleared()
    {
        var dead = Leftover(step: 20, "1-1.w_0");
        var alive = Leftover(step: 21, "2-1.w9");
        await Place.PutAsync(dead, [1]);
        await Place.PutAsync(alive, [1]);

        var saved = Assert.IsType<CheckpointSaved>(await SaveAsync(Sample.Snapshot(30, Next)));

        Assert.Contains("1-1.w_0", Assert.Single(saved.Removed));
        var files = await Place.FilesAsync();
        Assert.DoesNotContain(dead, files);
        Assert.Contains(alive, files);
    }

    [Fact]
    public async Task Save_Retention_KeepsLastBestAndEveryNth()
    {
        var options = new CheckpointOptions { KeepLast = 2, KeepBest = 1, KeepEvery = 100 };
        for (var step = 30; step <= 330; step += 30) await SaveAsync(Storage, Sample.Snapshot(step, loss: step == 60 ? 1 : 5), options);

        Assert.Equal([330, 300, 210, 120, 60], (await Catalog.ListAsync(Stop)).Select(entry => entry.Step));
        foreach (var entry in await Catalog.ListAsync(Stop)) Assert.Empty(await Catalog.VerifyAsync(entry, Stop));
        Assert.All(await Place.FilesAsync(), path => Assert.True(path.StartsWith("latest") || new[] { 330, 300, 210, 120, 60 }.Any(step => path.StartsWith(CheckpointName.Of(step)))));
    }

    [Fact]
    public async Task Prune_NoGoodOneAmongThoseToKeep_RemovesNothing()
    {
        await SaveAsync(Sample.Snapshot(10), Sample.Snapshot(20));
        await Place.PutAsync((await Place.FilesAsync()).Single(path => path.StartsWith(CheckpointName.Of(20)) && path.EndsWith(CheckpointFile.Optimizer)), [1]);

        var report = await Catalog.PruneAsync(new CheckpointOptions { KeepLast = 1, KeepBest = 0 }, cancellation: Stop);

        Assert.Empty(report.Removed);
        Assert.Contains("none of the checkpoints to keep is good", report.Warning);
        using var loaded = await Catalog.LoadAsync(CheckpointChoice.Latest, Stop);
        Sample.AssertIs(loaded!, 10);
    }

    private string Leftover(long step, string tag) =>
        $"{CheckpointName.Of(step)}{(Place is FolderPlace ? ".tmp." : "/")}{tag}/{CheckpointFile.Weights}";

    private async Task<CheckpointOutcome> SaveAsync(params CheckpointSnapshot[] snapshots)
    {
        CheckpointOutcome? last = null;
        foreach (var snapshot in snapshots) last = await SaveAsync(Storage, snapshot);
        return last!;
    }

    private static async Task<CheckpointOutcome> SaveAsync(ICheckpointStorage storage, CheckpointSnapshot snapshot, CheckpointOptions? options = null)
    {
        var outcomes = new Outcomes();
        await using var writer = new CheckpointWriter(storage, options ?? KeepAll, outcomes.Add);
        Assert.True(writer.TrySave(snapshot));
        return await outcomes.NextAsync();
    }
}
