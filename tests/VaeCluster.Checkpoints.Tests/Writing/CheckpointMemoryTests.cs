using VaeCluster.Checkpoints.Tests.Storage;

namespace VaeCluster.Checkpoints.Tests.Writing;

/// <summary>Allocations are counted for the whole process, so nothing runs beside this.</summary>
[CollectionDefinition(nameof(CheckpointMemoryTests), DisableParallelization = true)]
[Collection(nameof(CheckpointMemoryTests))]
public sealed class CheckpointMemoryTests
{
    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Save_Repeated_TakesTheMemoryOfOneCopy()
    {
        const int values = 5_000_000; // 60 MB in three files
        await using var place = new FolderPlace();
        using var storage = place.Open();
        var outcomes = new Outcomes();
        await using var writer = new CheckpointWriter(storage, new CheckpointOptions(), outcomes.Add);
        var snapshots = Enumerable.Range(1, 3).Select(step => Sample.Snapshot(step, values: values)).ToList();
        var before = GC.GetTotalAllocatedBytes(precise: true);

        foreach (var snapshot in snapshots)
        {
            Assert.True(writer.TrySave(snapshot));
            await outcomes.NextAsync<CheckpointSaved>();
            await writer.FlushAsync(Stop);
        }

        var allocated = GC.GetTotalAllocatedBytes(precise: true) - before;
        Assert.InRange(writer.BufferBytes, 3 * 4 * values, 3 * 4 * values * 1.01);
        Assert.InRange(allocated, 0, 10_000_000); // a second copy would be 180 MB over three saves
    }
}
