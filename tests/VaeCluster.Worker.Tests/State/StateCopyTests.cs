using VaeCluster.Protocol.Transport;
using VaeCluster.Worker.Links;
using VaeCluster.Worker.State;
using Generation = VaeCluster.Collectives.Generation;

namespace VaeCluster.Worker.Tests.State;

/// <summary>A copy is the source's state to the bit, whatever happens to the sources on the way, or there is none.</summary>
public sealed class StateCopyTests : IDisposable
{
    private static readonly Generation Plan = new(1, 1);

    private readonly TransportChannels channels = new(new TransportOptions());

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public void Dispose() => channels.Dispose();

    [Fact]
    public async Task Run_OneSource_IsItsStateToTheBit()
    {
        await using var source = await StateMember.StartAsync("w0");
        source.AtBoundary(7, always: true);
        var shares = new List<double>();

        using var snapshot = await CopyAsync(7, [source.Member], progress: share => { lock (shares) shares.Add(share); });

        AssertIs(7, snapshot);
        Assert.Equal(1, shares[^1]);
        Assert.Equal(shares.Order(), shares);
        Assert.Equal(StateMember.Layout.TotalBytes, source.Service.BytesSent);
        Assert.Single(source.Taken);
    }

    [Fact]
    public async Task Run_TwoSources_EachServesAPart()
    {
        await using var first = await StateMember.StartAsync("w0");
        await using var second = await StateMember.StartAsync("w1");
        foreach (var source in (StateMember[])[first, second]) source.AtBoundary(7, always: true);

        using var snapshot = await CopyAsync(7, [first.Member, second.Member]);

        AssertIs(7, snapshot);
        Assert.All((StateMember[])[first, second], source => Assert.InRange(source.Service.BytesSent, StateSnapshot.PieceBytes, StateMember.Layout.TotalBytes - 1));
        Assert.Equal(StateMember.Layout.TotalBytes, first.Service.BytesSent + second.Service.BytesSent);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    public async Task Run_ASourceDiesInTheMiddle_TheOtherServesTheRest(int victim)
    {
        await using var first = await StateMember.StartAsync("w0");
        await using var second = await StateMember.StartAsync("w1");
        StateMember[] sources = [first, second];
        foreach (var source in sources) source.AtBoundary(7, always: true);

        // With the first piece of all: each has a half to serve, far more than is on the way.
        using var copied = await RunAsync(7, [first.Member, second.Member], progress: _ => sources[victim].Cut());

        AssertIs(7, copied.Snapshot);
        Assert.StartsWith($"w{victim}: ", copied.Reason, StringComparison.Ordinal);
        Assert.DoesNotContain($"w{1 - victim}: ", copied.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Run_TheOnlySourceDies_IsAnOutcomeThatNamesIt()
    {
        await using var source = await StateMember.StartAsync("w0");
        source.AtBoundary(7, always: true);

        using var copied = await RunAsync(7, [source.Member], progress: _ => source.Cut());

        Assert.False(copied.Succeeded);
        Assert.StartsWith("w0: ", copied.Reason, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(Fault.WrongByte, "hash")]
    [InlineData(Fault.WrongHash, "hash")]
    [InlineData(Fault.WrongOffset, "lies at")]
    [InlineData(Fault.LongPiece, "lies at")]
    [InlineData(Fault.EmptyPiece, "lies at")]
    [InlineData(Fault.OtherState, "after 8 steps")]
    [InlineData(Fault.EndsEarly, "too early")]
    [InlineData(Fault.FallsSilent, "silent")]
    [InlineData(Fault.OffersOtherSize, "not the same model")]
    [InlineData(Fault.OffersOtherState, "after 8 steps")]
    [InlineData(Fault.OffersNothing, "nothing")]
    [InlineData(Fault.Refuses, "Not here.")]
    public async Task Run_ASourceIsWrong_TheOtherServesTheRest(Fault fault, string reason)
    {
        await using var faulty = await FaultySource.StartAsync(fault, 7);
        await using var good = await StateMember.StartAsync("good");
        good.AtBoundary(7, always: true);

        // A silent one is waited for; the good one is to have more time than it needs.
        using var copied = await RunAsync(7, [faulty.Member, good.Member], new StateOptions { Silence = TimeSpan.FromSeconds(fault == Fault.FallsSilent ? 5 : 60) });
        // Alone it brings nothing.
        using var alone = await RunAsync(7, [faulty.Member], new StateOptions { Silence = TimeSpan.FromSeconds(fault == Fault.FallsSilent ? 0.1 : 60) });

        AssertIs(7, copied.Snapshot);
        Assert.Contains("faulty: ", copied.Reason, StringComparison.Ordinal);
        Assert.Contains(reason, copied.Reason, StringComparison.Ordinal);
        Assert.Null(alone.Snapshot);
        Assert.Contains(reason, alone.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Run_NoStateIsNamed_TakesTheNewestThatIsOffered()
    {
        await using var behind = await StateMember.StartAsync("w0");
        await using var ahead = await StateMember.StartAsync("w1");
        behind.AtBoundary(7, always: true);
        ahead.AtBoundary(8, always: true);

        // Who is behind has to reach the state first: its next boundary, when its range is asked for.
        var copying = RunAsync(null, [behind.Member, ahead.Member]);
        await Deadline.Until(() => behind.Source.Waiting == 1, "the request for a range");
        behind.AtBoundary(8);
        using var copied = await copying;

        AssertIs(8, copied.Snapshot);
        Assert.Equal("", copied.Reason);
        Assert.NotEqual(0, behind.Service.BytesSent);
        Assert.NotEqual(0, ahead.Service.BytesSent);
    }

    [Fact]
    public async Task Run_StateAhead_WaitsForItAndNotForAnother()
    {
        await using var source = await StateMember.StartAsync("w0");
        source.AtBoundary(3);
        var copying = CopyAsync(5, [source.Member]);
        await Deadline.Until(() => source.Source.Waiting == 1, "the request");
        source.AtBoundary(4);
        Assert.Empty(source.Taken);
        Assert.False(copying.IsCompleted);

        source.AtBoundary(5);

        using var snapshot = await copying;
        AssertIs(5, snapshot);
        Assert.Equal(5, Assert.Single(source.Taken).CompletedSteps);
    }

    [Fact]
    public async Task Run_TrainingGoesOn_TheCopyStaysThatOfItsBoundary()
    {
        await using var source = await StateMember.StartAsync("w0");
        source.AtBoundary(7, always: true);
        var step = 7;

        using var snapshot = await CopyAsync(7, [source.Member], new StateOptions { RangeBytes = StateSnapshot.PieceBytes }, _ => source.AtBoundary(Interlocked.Increment(ref step)));

        AssertIs(7, snapshot);
        Assert.True(step > 10, $"It is in step {step} only.");
        Assert.Single(source.Taken);
    }

    [Fact]
    public async Task Run_StateThatHasPassed_IsRefusedWithBothSteps()
    {
        await using var source = await StateMember.StartAsync("w0");
        source.AtBoundary(7, always: true);

        using var copied = await RunAsync(6, [source.Member]);

        Assert.False(copied.Succeeded);
        Assert.Contains("after 6 steps has passed; this is the one after 7", copied.Reason, StringComparison.Ordinal);
        Assert.Equal(1, source.Service.Refused);
    }

    [Fact]
    public async Task Run_StateThatPassesWhileItIsWaitedFor_IsRefused()
    {
        await using var source = await StateMember.StartAsync("w0");
        source.AtBoundary(5);
        var copying = RunAsync(6, [source.Member]);
        await Deadline.Until(() => source.Source.Waiting == 1, "the request");

        // A restored member jumps over it.
        source.AtBoundary(9);

        using var copied = await copying;
        Assert.Contains("has passed", copied.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Run_PlanThatIsOver_IsRefused()
    {
        await using var source = await StateMember.StartAsync("w0");
        source.AtBoundary(7, number: 2);

        using var copied = await RunAsync(9, [source.Member]);

        Assert.Contains("Plan 1.1 is over here; this is 1.2", copied.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Run_OfAnotherRun_IsRefused()
    {
        await using var source = await StateMember.StartAsync("w0");
        source.AtBoundary(7, always: true);

        var copied = await new StateCopy(StateMember.Layout, new PeerDialer(channels)).RunAsync("run-2", Plan, 7, [source.Member], null, Cancel);

        Assert.False(copied.Succeeded);
        Assert.Contains("another run", copied.Reason, StringComparison.Ordinal);
        Assert.Equal((1, 0), (source.Service.Refused, source.Service.BytesSent));
    }

    [Fact]
    public async Task Run_Cancelled_EndsAndTheSourceForgetsIt()
    {
        await using var source = await StateMember.StartAsync("w0");
        source.AtBoundary(3);
        using var cancellation = new CancellationTokenSource();
        var copying = new StateCopy(StateMember.Layout, new PeerDialer(channels)).RunAsync(StateMember.Run, Plan, 5, [source.Member], null, cancellation.Token);
        await Deadline.Until(() => source.Source.Waiting == 1, "the request");

        await cancellation.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => Deadline.For(copying, "the copy's end"));
        await Deadline.Until(() => source.Source.Waiting == 0, "the request to be forgotten");
        source.AtBoundary(5);
        Assert.Empty(source.Taken);
    }

    private static void AssertIs(long completedSteps, StateSnapshot? snapshot)
    {
        Assert.NotNull(snapshot);
        Assert.Equal(completedSteps, snapshot.CompletedSteps);
        Assert.Equal(StateMember.HashAfter(completedSteps), snapshot.Hash());
    }

    private async Task<StateSnapshot> CopyAsync(long? completedSteps, PlanMember[] sources, StateOptions? options = null, Action<double>? progress = null)
    {
        var copied = await RunAsync(completedSteps, sources, options, progress);
        Assert.Equal("", copied.Reason);
        return copied.Snapshot!;
    }

    private Task<Copied> RunAsync(long? completedSteps, PlanMember[] sources, StateOptions? options = null, Action<double>? progress = null) =>
        Deadline.For(Copied.From(new StateCopy(StateMember.Layout, new PeerDialer(channels), options ?? new StateOptions { Silence = Deadline.Default })
            .RunAsync(StateMember.Run, Plan, completedSteps, sources, progress, Cancel)), "the copy");

    private sealed record Copied(StateSnapshot? Snapshot, string Reason) : IDisposable
    {
        public bool Succeeded => Snapshot is not null;

        public static async Task<Copied> From(Task<StateCopyResult> copying)
        {
            var result = await copying;
            return new Copied(result.Snapshot, result.Reason);
        }

        public void Dispose() => Snapshot?.Dispose();
    }
}
