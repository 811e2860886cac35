using System.Collections.Immutable;
using VaeCluster.Coordinator.Runs;

namespace VaeCluster.Coordinator.Tests.Runs;

public sealed class RunStoreTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public void TakeTerm_Again_IsTheNextOfTheSameRun()
    {
        var first = RunStore.TakeTerm(folder.Path, TimeProvider.System);
        var second = RunStore.TakeTerm(folder.Path, TimeProvider.System);

        Assert.Equal((1ul, 2ul), (first.Term, second.Term));
        Assert.Equal(first.Run, second.Run);
        Assert.Equal((true, false), (first.IsFirst, second.IsFirst));
        Assert.Equal(2ul, first.NewestTerm());
    }

    [Fact]
    public void TakeTerm_AboveThoseOfCheckpoints_IsTheFirstAllTheSame()
    {
        var store = RunStore.TakeTerm(folder.Path, TimeProvider.System, above: 5);

        Assert.Equal((6ul, true), (store.Term, store.IsFirst));
    }

    [Fact]
    public async Task TakeTerm_ManyAtOnce_GivesEachItsOwn()
    {
        var stores = await Task.WhenAll(Enumerable.Range(0, 16).Select(_ => Task.Run(() => RunStore.TakeTerm(folder.Path, TimeProvider.System))));

        Assert.Equal(16, stores.Select(store => store.Term).Distinct().Count());
        Assert.Single(stores.Select(store => store.Run).Distinct());
    }

    [Fact]
    public void ReadFingerprint_AfterARestart_IsWhatWasWritten()
    {
        var fingerprint = ImmutableSortedDictionary<string, string>.Empty.Add("device", "cpu").Add("threads", "1");
        RunStore.TakeTerm(folder.Path, TimeProvider.System).WriteFingerprint(fingerprint);

        Assert.Equal(fingerprint, RunStore.TakeTerm(folder.Path, TimeProvider.System).ReadFingerprint());
    }

    [Fact]
    public void TakeTerm_FolderThatIsAFile_IsAUserError()
    {
        File.WriteAllText(folder.In("file"), "");

        Assert.Throws<UserErrorException>(() => RunStore.TakeTerm(folder.In("file"), TimeProvider.System));
    }
}
