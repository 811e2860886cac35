using VaeCluster.Worker.State;
using Generation = VaeCluster.Collectives.Generation;

namespace VaeCluster.Worker.Tests.State;

/// <summary>Which snapshots a source takes, hands on and keeps, and when their memory is given back.</summary>
public sealed class StateSourceTests
{
    private static readonly Generation Plan = new(1, 1);
    private static readonly StateOptions Long = new() { KeepFor = TimeSpan.FromHours(1) };

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task AtBoundary_NobodyAsks_TakesNothing()
    {
        await using var member = await StateMember.StartAsync("w0", Long);
        for (var step = 0; step < 5; step++) member.AtBoundary(step);

        Assert.Empty(member.Taken);
        Assert.Equal(0, member.Source.Held);
    }

    [Fact]
    public async Task AtBoundary_SeveralWait_OneSnapshotServesThem()
    {
        await using var member = await StateMember.StartAsync("w0", Long);
        member.AtBoundary(3);
        Task<StateAnswer>[] waiting = [Wait(member, 5), Wait(member, 5), Wait(member, 6), Wait(member, null, number: 2)];

        member.AtBoundary(5);

        foreach (var answer in await Deadline.For(Task.WhenAll(waiting[..2]), "the snapshot"))
        {
            Assert.Same(Assert.Single(member.Taken), answer.Snapshot);
            member.Source.Return(answer.Snapshot!);
        }
        Assert.All(waiting[2..], other => Assert.False(other.IsCompleted));
        Assert.Equal(2, member.Source.Waiting);
        // The next plan overtakes one of them, and is what the other waits for.
        member.AtBoundary(6, number: 2);
        Assert.Contains("is over here", (await Deadline.For(waiting[2], "the refusal")).Refusal, StringComparison.Ordinal);
        member.Source.Return((await Deadline.For(waiting[3], "the snapshot of the next plan")).Snapshot!);
    }

    [Fact]
    public async Task AtBoundary_PlanBeginsHere_TakesItOnceForThoseWhoComeLater()
    {
        await using var member = await StateMember.StartAsync("w0", Long);
        member.AtBoundary(5, always: true);
        member.AtBoundary(5, always: true);
        member.AtBoundary(6);

        using var snapshot = (await Wait(member, 5)).Snapshot;
        Assert.Same(Assert.Single(member.Taken), snapshot);
        using var newest = (await Wait(member, null)).Snapshot;
        Assert.Same(snapshot, newest);
    }

    [Fact]
    public async Task Sweep_NobodyReads_MemoryIsFreedAndNotBeforeTheReaderIsDone()
    {
        await using var member = await StateMember.StartAsync("w0", new StateOptions { KeepFor = TimeSpan.FromMilliseconds(20) });
        member.AtBoundary(5, always: true);
        var read = (await Wait(member, 5)).Snapshot!;
        // Another one, that nobody reads, goes meanwhile; that it does shows that the time of the first was over as well.
        member.AtBoundary(6, always: true);
        await Deadline.Until(() => member.Source.Held == 1, "the unread snapshot to go");

        Assert.False(member.IsFreed);
        Assert.Equal(StateMember.HashAfter(5), read.Hash());
        member.Source.Return(read);

        await Deadline.Until(() => member.Source.Held == 0, "the snapshot to go");
        Assert.True(member.IsFreed);
        Assert.Equal(2, member.Taken.Count);
    }

    [Fact]
    public async Task AtBoundary_MoreThanMayBeKept_TheOldestGoesOnceItIsRead()
    {
        await using var member = await StateMember.StartAsync("w0", new StateOptions { KeepFor = TimeSpan.FromHours(1), MostKept = 2 });
        member.AtBoundary(1, always: true);
        var read = (await Wait(member, 1)).Snapshot!;
        for (var step = 2; step <= 5; step++) member.AtBoundary(step, always: true);

        Assert.Equal(2, member.Source.Held);
        Assert.Equal([true, false, false, true, true], member.Taken.Select(IsAlive));
        Assert.Equal(StateMember.HashAfter(1), read.Hash());
        member.Source.Return(read);
        Assert.Equal([false, false, false, true, true], member.Taken.Select(IsAlive));
    }

    [Fact]
    public async Task Dispose_WhileReadersWaitAndRead_EndsTheWaitingAndFreesWhatIsReadInTheEnd()
    {
        var member = await StateMember.StartAsync("w0", Long);
        member.AtBoundary(5, always: true);
        var read = (await Wait(member, 5)).Snapshot!;
        var waiting = Wait(member, 6);

        await member.DisposeAsync();

        Assert.Contains("goes away", (await Deadline.For(waiting, "the refusal")).Refusal, StringComparison.Ordinal);
        Assert.Contains("goes away", (await Wait(member, 5)).Refusal, StringComparison.Ordinal);
        Assert.Equal(StateMember.HashAfter(5), read.Hash());
        member.Source.Return(read);
        Assert.True(member.IsFreed);
    }

    [Fact]
    public async Task WaitAsync_CancelledInTheMomentOfItsBoundary_LeavesNobodyHolding()
    {
        await using var member = await StateMember.StartAsync("w0", new StateOptions { KeepFor = TimeSpan.FromHours(1), MostKept = 1 });
        for (var step = 1; step <= 50; step++)
        {
            using var cancellation = new CancellationTokenSource();
            var waiting = member.Source.WaitAsync(Plan, step, cancellation.Token);
            var cancelling = Task.Run(cancellation.Cancel, Cancel);
            member.Source.AtBoundary(Plan, step, always: false, member.Taken.Enqueue);
            await Deadline.For(cancelling, "the cancellation");
            try
            {
                member.Source.Return((await Deadline.For(waiting, "the snapshot or the end")).Snapshot!);
            }
            catch (OperationCanceledException)
            {
                // It was quicker.
            }
        }
        Assert.Equal(0, member.Source.Waiting);
        Assert.True(member.Taken.SkipLast(1).All(snapshot => !IsAlive(snapshot)));
    }

    private static bool IsAlive(StateSnapshot snapshot)
    {
        if (!snapshot.TryHold()) return false;
        snapshot.Dispose();
        return true;
    }

    private static Task<StateAnswer> Wait(StateMember member, long? completedSteps, ulong number = 1) =>
        member.Source.WaitAsync(Plan with { Number = number }, completedSteps, Cancel);
}
