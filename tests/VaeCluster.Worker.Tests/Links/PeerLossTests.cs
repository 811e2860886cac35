using Microsoft.AspNetCore.Builder;
using VaeCluster.Collectives;
using VaeCluster.Collectives.Tests;
using VaeCluster.Protocol.Segments;
using VaeCluster.Protocol.Transport;
using VaeCluster.Worker.Links;
using Generation = VaeCluster.Collectives.Generation;
using SegmentHeader = VaeCluster.Collectives.SegmentHeader;
using WireFormat = VaeCluster.Collectives.WireFormat;

namespace VaeCluster.Worker.Tests.Links;

/// <summary>A lost peer is told once, the exchange ends at once, and nothing of the caller's was touched.</summary>
public sealed class PeerLossTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(false, false)]
    [InlineData(true, false)]
    [InlineData(true, true)]
    public async Task Step_PeerDies_IsToldOnceAndTheSurvivorsGoOn(bool sockets, bool shares)
    {
        var layout = LinkedCluster.Layout();
        await using var cluster = await LinkedCluster.StartAsync(3, layout, sockets, shares: _ => shares);
        var (victim, survivors) = (cluster.Members[1], (LinkedMember[])[cluster.Members[0], cluster.Members[2]]);
        cluster.Open(1, cluster.Members, [new(0, 3), new(3, 5), new(5, 8)], 0);
        using var all = new Barrier(3);

        LinkedCluster.RunAll(cluster.Members, linked =>
        {
            for (var step = 0L; step < 4; step++) AssertStep(linked, layout, step);
            // What was queued is sent: the plan below begins at the same step for all.
            Assert.True(all.SignalAndWait(Deadline.Default), "The others were not done.");
        });
        // It contributes to the fifth step one bucket of three, and dies.
        Assert.True(victim.Member.Begin(4));
        Assert.True(victim.Member.Exchange.Contribute(2, new(3, 4), FloatMemory.Allocate(100, victim.Arena)));
        var killing = victim.KillAsync();

        LinkedCluster.RunAll(survivors, linked =>
        {
            SlotRange[] nodes = linked == survivors[0] ? [new(0, 2), new(2, 3)] : [new(5, 6), new(6, 8)];
            List<(FloatMemory Memory, float[] Before)> contributions = [];
            var runs = linked.Member.Begin(4);
            foreach (var node in nodes)
            {
                for (var bucket = layout.Buckets.Count - 1; bucket >= 0; bucket--)
                {
                    var memory = FloatMemory.Allocate(layout.Buckets[bucket], linked.Arena);
                    Gradients.Of(4, node.Start, memory.Count).CopyTo(memory.Floats);
                    contributions.Add((memory, memory.Floats.ToArray()));
                    if (runs) runs = linked.Member.Exchange.Contribute(bucket, node, memory);
                }
            }
            if (runs) Assert.Equal(ExchangeStatus.Ended, linked.Member.Wait().Status);
            Assert.Contains("w1", linked.Member.Exchange.EndReason, StringComparison.Ordinal);
            foreach (var (memory, before) in contributions) Cluster.AssertSameBits(before, memory.Floats.ToArray(), $"{linked.Id}'s contribution");
        });
        await Deadline.For(killing, "the victim's end");

        foreach (var linked in survivors) linked.Open(linked.Plan(2, survivors, [new(0, 4), new(4, 8)], 4), 4);
        LinkedCluster.RunAll(survivors, linked =>
        {
            linked.Links.CloseBefore(new(1, 2));
            for (var step = 4L; step < 7; step++) AssertStep(linked, layout, step);
        });
        foreach (var linked in survivors)
        {
            var loss = Assert.Single(linked.Losses);
            Assert.Equal(("w1", 1, new Generation(1, 1)), (loss.WorkerId, loss.Rank, loss.Generation));
            Assert.NotEmpty(loss.Reason);
        }
    }

    [Fact]
    public async Task Open_PeerThatNobodyReaches_IsLost()
    {
        await using var cluster = await LinkedCluster.StartAsync(2, LinkedCluster.Layout());
        await cluster.Members[1].KillAsync();

        cluster.Open(1, cluster.Members, [new(0, 4), new(4, 8)], 0);
        await Deadline.Until(() => cluster.Members[0].Losses.Length > 0, "the loss");

        Assert.False(cluster.Members[0].Member.Begin(0));
        Assert.Equal("w1", Assert.Single(cluster.Members[0].Losses).WorkerId);
    }

    [Fact]
    public async Task Open_LostPeerComesBack_IsReachedOnANewConnection()
    {
        var layout = LinkedCluster.Layout();
        await using var cluster = await LinkedCluster.StartAsync(2, layout);
        SlotRange[] ranges = [new(0, 4), new(4, 8)];
        cluster.Open(1, cluster.Members, ranges, 0);
        LinkedCluster.RunAll(cluster.Members, linked => AssertStep(linked, layout, 0));
        await cluster.Members[1].KillAsync();
        await Deadline.Until(() => cluster.Members[0].Losses.Length > 0, "the loss");

        // Another process under the same name.
        await using var again = await LinkedMember.StartAsync("w1", layout);
        LinkedMember[] members = [cluster.Members[0], again];
        cluster.Open(2, members, ranges, 1);
        LinkedCluster.RunAll(members, linked =>
        {
            linked.Links.CloseBefore(new(1, 2));
            for (var step = 1L; step < 4; step++) AssertStep(linked, layout, step);
        });
        Assert.Single(cluster.Members[0].Losses);
        Assert.Empty(again.Losses);
    }

    [Fact]
    public async Task CloseBefore_PeerThatLags_IsNotTold()
    {
        var layout = LinkedCluster.Layout();
        await using var cluster = await LinkedCluster.StartAsync(2, layout, options: new LinkOptions { CloseGrace = TimeSpan.FromMilliseconds(50) });
        var (quick, slow) = (cluster.Members[0], cluster.Members[1]);
        SlotRange[] ranges = [new(0, 4), new(4, 8)];
        quick.Open(quick.Plan(1, cluster.Members, ranges), 0);
        var plan = slow.Plan(1, cluster.Members, ranges);
        var links = slow.Links.Open(plan);
        slow.Member.Open(plan.ToView((_, _) => false), links, 0);
        using var together = new Barrier(2);
        LinkedCluster.RunAll(cluster.Members, linked =>
        {
            AssertStep(linked, layout, 0);
            Assert.True(together.SignalAndWait(Deadline.Default), "The other was not done.");
        });

        quick.Open(quick.Plan(2, cluster.Members, ranges, 1), 1);
        quick.Links.CloseBefore(new(1, 2));
        // The slow one's stream is ended by the quick one when its grace is over, and its own plan is still the old one.
        await Deadline.For(((GrpcSegmentLink)links[0]!).Completion, "the end of the slow one's stream");
        slow.Open(slow.Plan(2, cluster.Members, ranges, 1), 1);
        LinkedCluster.RunAll(cluster.Members, linked => AssertStep(linked, layout, 1));

        Assert.Empty(slow.Losses);
        Assert.Empty(quick.Losses);
    }

    [Fact]
    public async Task Drop_PeerThatDoesNotRead_ReturnsAndNothingIsReadFromTheBufferAfterwards()
    {
        const int length = 512 * 1024;
        var (arrived, read) = (new List<byte[]>(), new TaskCompletionSource());
        var service = SegmentExchange.Serve(new KeepingSink(arrived), async (segments, _, context) =>
        {
            await context.WriteResponseHeadersAsync([]);
            await read.Task;
            while (await segments.MoveNext(context.CancellationToken))
            {
            }
        });
        await using var server = await LoopbackServer.StartAsync(app => app.MapGrpcService(service));
        using var channels = new TransportChannels(new TransportOptions());
        using var channel = new PeerDialer(channels).Dial(server.Address);
        string? broken = null;
        var link = new GrpcSegmentLink(channel.Invoker, new StreamIdentity(LinkedMember.Run, new(1, 1), "w0", 0), reason => broken = reason);
        var payload = new byte[length];
        payload.AsSpan().Fill(1);
        // Far more than the windows hold.
        for (var i = 0u; i < 40; i++) link.Push(Header(i), payload);
        Assert.False(link.TryRelease(0));

        link.Drop();
        payload.AsSpan().Fill(2);
        Assert.True(link.TryRelease(0));
        read.SetResult();
        await Deadline.For(link.CloseAsync(Deadline.Default, TimeProvider.System), "the link's end");

        Assert.Null(broken);
        Assert.InRange(arrived.Count, 0, 39);
        Assert.All(arrived, bytes => Assert.Equal(-1, bytes.AsSpan().IndexOfAnyExcept((byte)1)));
    }

    [Fact]
    public async Task CloseBefore_PeerThatDoesNotRead_EndsWithTheGrace()
    {
        var service = SegmentExchange.Serve(new KeepingSink([]), async (_, _, context) =>
        {
            await context.WriteResponseHeadersAsync([]);
            await Task.Delay(Timeout.Infinite, context.CancellationToken);
        });
        await using var server = await LoopbackServer.StartAsync(app => app.MapGrpcService(service));
        using var channels = new TransportChannels(new TransportOptions());
        using var channel = new PeerDialer(channels).Dial(server.Address);
        string? broken = null;
        var link = new GrpcSegmentLink(channel.Invoker, new StreamIdentity(LinkedMember.Run, new(1, 1), "w0", 0), reason => broken = reason);
        for (var i = 0u; i < 40; i++) link.Push(Header(i), new byte[512 * 1024]);

        await Deadline.For(link.CloseAsync(TimeSpan.FromMilliseconds(50), TimeProvider.System), "the link's end");

        Assert.True(link.Completion.IsCompleted);
        Assert.Null(broken);
    }

    private static void AssertStep(LinkedMember linked, ExchangeLayout layout, long step)
    {
        var outcome = linked.Member.Step(step);
        Assert.True(outcome.Status == ExchangeStatus.Completed, $"{linked.Id}, step {step}: {outcome}");
        Cluster.AssertSameBits(Gradients.Sum(SlotTree.Root(layout.Slots), step, (int)layout.Length, (_, _) => false)!, linked.Member.Result(), $"{linked.Id}, step {step}");
        linked.Member.Spoil();
    }

    private static SegmentHeader Header(uint chunk) => new()
    {
        Run = LinkedMember.Run,
        Generation = new(1, 1),
        Held = new(1, 1),
        Step = 0,
        Bucket = 0,
        Chunk = chunk,
        Phase = SegmentPhase.Gather,
        Format = WireFormat.Fp32,
        Offset = 0,
        FirstSlot = 0,
        Slots = 0,
        Sender = 0,
    };

    private sealed class KeepingSink(List<byte[]> arrived) : ISegmentSink
    {
        public SegmentPlace PlaceFor(in Protocol.Segments.SegmentHeader header, int payloadBytes)
        {
            var bytes = new byte[payloadBytes];
            arrived.Add(bytes);
            return SegmentPlace.Into(bytes);
        }
    }
}
