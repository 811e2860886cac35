namespace VaeCluster.Checkpoints.Tests.Catalog;

public sealed class RetentionTests
{
    [Fact]
    public void Decide_LastBestAndEveryNth_KeepsTheirUnion()
    {
        var entries = List((10, 5), (20, 1), (30, null), (40, 2), (50, 9), (60, 4));

        var decision = Retention.Decide(entries, new CheckpointOptions { KeepLast = 1, KeepBest = 2, KeepEvery = 25 }, null);

        // Last 60; best 20 and 40; first ones of [25, 50) and [50, 75).
        Assert.Equal([60, 50, 40, 30, 20], decision.Keep.Select(entry => entry.Step));
        Assert.Equal([10], decision.Remove.Select(entry => entry.Step));
    }

    [Fact]
    public void Decide_Repeated_RemovesNothingMore()
    {
        var options = new CheckpointOptions { KeepLast = 2, KeepBest = 1, KeepEvery = 100 };
        var once = Retention.Decide(List([.. Enumerable.Range(1, 50).Select(i => (i * 30L, (double?)(i % 7)))]), options, null);

        Assert.Empty(Retention.Decide(once.Keep, options, null).Remove);
    }

    [Fact]
    public void Decide_NamedByLatest_Stays()
    {
        var decision = Retention.Decide(List((10, null), (20, null)), new CheckpointOptions { KeepLast = 1, KeepBest = 0 }, CheckpointName.Of(10));

        Assert.Empty(decision.Remove);
    }

    [Fact]
    public void Decide_DamagedRecord_GoesOnceANewerOneIsReadable()
    {
        CheckpointEntry Damaged(long step) => new(CheckpointName.Of(step), null, "damaged");
        IReadOnlyList<CheckpointEntry> entries = [.. List((20, null)), Damaged(10), Damaged(30)];

        var decision = Retention.Decide(entries, new CheckpointOptions { KeepLast = 1 }, null);

        Assert.Equal(10, Assert.Single(decision.Remove).Step);
        Assert.Empty(Retention.Decide([Damaged(10)], new CheckpointOptions(), null).Remove);
    }

    private static List<CheckpointEntry> List(params (long Step, double? Loss)[] checkpoints) => checkpoints
        .OrderByDescending(checkpoint => checkpoint.Step)
        .Select(checkpoint => new CheckpointEntry(CheckpointName.Of(checkpoint.Step),
            new CheckpointRecord(1, default, Sample.Snapshot(checkpoint.Step, loss: checkpoint.Loss).Metadata, []), null))
        .ToList();
}
