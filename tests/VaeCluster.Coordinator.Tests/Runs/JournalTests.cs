using VaeCluster.Checkpoints.Tests.Writing;
using VaeCluster.Coordinator.Runs;

namespace VaeCluster.Coordinator.Tests.Runs;

public sealed class JournalTests : IDisposable
{
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(30);

    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public async Task Verify_WholeRun_CountsEachSampleOnce()
    {
        await WriteAsync(1, [Plan("1.1"), .. Steps("1.1", 0, 25)]);

        var report = JournalVerifier.Verify(folder.Path, order: (epoch, position) => (position * 7 + epoch) % 80);

        Assert.Empty(report.Mistakes);
        Assert.Equal((25ul, 0ul, 2ul, 0ul), (report.Steps, report.FirstStep, report.Epochs, report.Redone));
    }

    [Fact]
    public async Task Verify_StepsDoneAgain_TakesTheLast()
    {
        await WriteAsync(1, [Plan("1.1"), .. Steps("1.1", 0, 12)]);
        await WriteAsync(2, [Plan("2.1", first: 10), .. Steps("2.1", 10, 5)]);

        var report = JournalVerifier.Verify(folder.Path);

        Assert.Empty(report.Mistakes);
        Assert.Equal((15ul, 2ul, 2), (report.Steps, report.Redone, report.Terms));
    }

    [Fact]
    public async Task Verify_MissingStep_IsNamed()
    {
        await WriteAsync(1, [Plan("1.1"), .. Steps("1.1", 0, 4), .. Steps("1.1", 6, 2)]);

        Assert.Equal(["Steps 4 to 5 are missing."], JournalVerifier.Verify(folder.Path).Mistakes);
    }

    [Fact]
    public async Task Verify_DifferentResultForTheSameStep_IsNamed()
    {
        await WriteAsync(1, [Plan("1.1"), Plan("1.2"), .. Steps("1.1", 0, 2), .. Steps("1.2", 1, 1).Select(step => ((StepEntry)step) with { Loss = 9 })]);

        Assert.Equal(["Step 1 was done under plans 1.1 and 1.2 with different results."], JournalVerifier.Verify(folder.Path).Mistakes);
    }

    [Fact]
    public async Task Verify_SampleUsedTwice_IsNamed()
    {
        await WriteAsync(1, [Plan("1.1"), .. Steps("1.1", 0, 10)]);

        var report = JournalVerifier.Verify(folder.Path, 80, (_, position) => position == 79 ? 0 : position);

        Assert.Equal(["Epoch 0 uses sample 0 twice."], report.Mistakes);
    }

    [Fact]
    public async Task Verify_JumpInTheOrder_IsNamed()
    {
        await WriteAsync(1, [Plan("1.1"), .. Steps("1.1", 0, 2), ((StepEntry)Steps("1.1", 2, 1).Single()) with { FirstPosition = 24 }]);

        Assert.Equal(["Step 1 ends at sample 16 of epoch 0, and step 2 begins at 24 of epoch 0."], JournalVerifier.Verify(folder.Path).Mistakes);
    }

    [Fact]
    public async Task Verify_SlotsDealtTwiceOrUnknownPlan_IsNamed()
    {
        await WriteAsync(1,
        [
            new PlanEntry("1.1", 0, [new("w1", 0, 4), new("w2", 3, 5)], "Start", "."), .. Steps("1.1", 0, 1), .. Steps("1.7", 1, 1),
        ]);

        Assert.Equal(
            ["Plan 1.1 does not deal each slot once: w2 begins at 3, not 4.", "Step 1 was done under plan 1.7, which the journal does not have."],
            JournalVerifier.Verify(folder.Path).Mistakes);
    }

    [Fact]
    public async Task Read_TornAtAnyByte_LosesOnlyTheLastLine()
    {
        await WriteAsync(1, [Plan("1.1"), .. Steps("1.1", 0, 3)]);
        var path = Assert.Single(Directory.GetFiles(folder.Path));
        var whole = await File.ReadAllBytesAsync(path, TestContext.Current.CancellationToken);
        var lastLine = Array.LastIndexOf(whole, (byte)'\n', whole.Length - 2) + 1;

        for (var length = lastLine; length < whole.Length - 1; length++)
        {
            await File.WriteAllBytesAsync(path, whole[..length], TestContext.Current.CancellationToken);
            var broken = new List<string>();

            Assert.Equal(2, JournalReader.Read(folder.Path, broken.Add).OfType<StepEntry>().Count());
            Assert.Empty(broken);
            Assert.Equal(2ul, JournalReader.NextStep(folder.Path));
        }
    }

    [Fact]
    public async Task Read_AlteredInTheMiddle_IsNamed()
    {
        await WriteAsync(1, [Plan("1.1"), .. Steps("1.1", 0, 3)]);
        var path = Assert.Single(Directory.GetFiles(folder.Path));
        var lines = await File.ReadAllLinesAsync(path, TestContext.Current.CancellationToken);
        lines[2] = lines[2].Replace("\"samples\":8", "\"samples\":9", StringComparison.Ordinal);
        await File.WriteAllLinesAsync(path, lines, TestContext.Current.CancellationToken);

        Assert.Contains("journal-000001.jsonl, line 3: is broken.", JournalVerifier.Verify(folder.Path).Mistakes);
    }

    [Fact]
    public async Task Copy_InPieces_ReadsAsTheSameJournal()
    {
        var (local, storage, recorded) = (folder.In("local"), folder.In("storage"), new TaskCompletionSource());
        await using (var journal = new Journal(local, storage, 1, before => { if (before == 5) recorded.TrySetResult(); return default; }, Assert.Fail, TimeProvider.System))
        {
            foreach (var entry in Steps("1.1", 0, 5)) journal.Append(entry);
            journal.Copy();
            await recorded.Task.WaitAsync(Deadline, TestContext.Current.CancellationToken);
            foreach (var entry in Steps("1.1", 5, 5)) journal.Append(entry);
        }

        Assert.True(Directory.GetFiles(storage).Length >= 2);
        Assert.Equal(JournalReader.Read(local), JournalReader.Read(storage));
        Assert.Equal(10ul, JournalReader.NextStep(storage));
    }

    [Fact]
    public async Task Append_DiskFull_IsAcknowledgedOnceThereIsRoom()
    {
        using var disk = SmallDisk.Mount(folder.Path);
        var (failed, recorded, ballast) = (new TaskCompletionSource<string>(), new TaskCompletionSource<ulong>(), folder.In("ballast"));
        await using (var journal = new Journal(folder.In("journal"), null, 1, before => { recorded.TrySetResult(before); return default; },
            reason => failed.TrySetResult(reason), TimeProvider.System))
        {
            SmallDisk.Fill(ballast);
            // More than what is left of a page.
            foreach (var entry in Steps("1.1", 0, 100)) journal.Append(entry);
            Assert.Contains("No space left on device", await failed.Task.WaitAsync(Deadline, TestContext.Current.CancellationToken), StringComparison.Ordinal);
            Assert.False(recorded.Task.IsCompleted);
            File.Delete(ballast);
            Assert.Equal(100ul, await recorded.Task.WaitAsync(Deadline, TestContext.Current.CancellationToken));
        }
        Assert.Equal(100, JournalReader.Read(folder.In("journal")).OfType<StepEntry>().Count());
    }

    [Fact]
    public async Task Copy_StorageAway_TheNextCopyHasIt()
    {
        var (local, storage, failed) = (folder.In("local"), folder.In("storage"), new TaskCompletionSource<string>());
        await using (var journal = new Journal(local, storage, 1, _ => default, reason => failed.TrySetResult(reason), TimeProvider.System))
        {
            Directory.Delete(storage);
            foreach (var entry in Steps("1.1", 0, 5)) journal.Append(entry);
            journal.Copy();
            Assert.Contains("can't be copied", await failed.Task.WaitAsync(Deadline, TestContext.Current.CancellationToken), StringComparison.Ordinal);
            Directory.CreateDirectory(storage);
            foreach (var entry in Steps("1.1", 5, 5)) journal.Append(entry);
        }

        Assert.Equal(10, JournalReader.Read(storage).OfType<StepEntry>().Count());
    }

    private async Task WriteAsync(ulong term, IEnumerable<JournalEntry> entries)
    {
        await using var journal = new Journal(folder.Path, null, term, _ => default, Assert.Fail, TimeProvider.System);
        journal.Append(new TermEntry("run-1", term, 8, "host", DateTimeOffset.UnixEpoch));
        foreach (var entry in entries) journal.Append(entry);
    }

    private static PlanEntry Plan(string generation, ulong first = 0) => new(generation, first, [new("w1", 0, 4), new("w2", 4, 4), new("w3", 0, 0)], "Start", ".");

    private static IEnumerable<JournalEntry> Steps(string generation, ulong first, ulong count)
    {
        for (var step = first; step < first + count; step++)
            yield return new StepEntry(step, generation, step / 10, step % 10 * 8, 8, 1.0 / (step + 1), 0, 0, double.NaN, false, null);
    }
}
