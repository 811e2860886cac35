using VaeCluster.Collectives;
using VaeCluster.Collectives.Tests;

namespace VaeCluster.Worker.Tests.Links;

/// <summary>Whole exchanges over gRPC: every bit is that of the exchange in memory.</summary>
public sealed class LinkedExchangeTests
{
    public static TheoryData<WireFormat, bool, SlotRange[]> Plans => new()
    {
        { WireFormat.Fp32, false, [new(0, 4), new(4, 8)] },
        { WireFormat.Fp32, true, [new(0, 3), new(3, 8)] },
        { WireFormat.Fp32, false, [new(0, 3), new(3, 5), new(5, 8)] },
        { WireFormat.Fp32, true, [new(0, 1), new(1, 4), new(4, 6), new(6, 8)] },
        { WireFormat.Fp32, false, [new(0, 4), default, new(4, 8)] },
        { WireFormat.Bf16, false, [new(0, 4), new(4, 8)] },
        { WireFormat.Bf16, true, [new(0, 1), new(1, 4), new(4, 6), new(6, 8)] },
    };

    [Theory]
    [MemberData(nameof(Plans))]
    public async Task Step_OverStreams_HasTheBitsOfTheExchangeInMemory(WireFormat format, bool sockets, SlotRange[] ranges)
    {
        var layout = LinkedCluster.Layout(format);
        await using var cluster = await LinkedCluster.StartAsync(ranges.Length, layout, sockets);
        StepAll(cluster, layout, ranges);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Step_PlannedChange_AllSwitchAfterTheSameStepAndNobodyIsLost(bool sockets)
    {
        var layout = LinkedCluster.Layout();
        await using var cluster = await LinkedCluster.StartAsync(3, layout, sockets);
        Assert.All(StepThroughPlannedChange(cluster, layout), step => Assert.Equal(6, step));
    }

    [Fact]
    public async Task Open_ManyPlansOneAfterTheOther_EachIsRight()
    {
        var layout = LinkedCluster.Layout();
        await using var cluster = await LinkedCluster.StartAsync(3, layout);
        SlotRange[] ranges = [new(0, 3), new(3, 5), new(5, 8)];
        using var together = new Barrier(3);
        for (var number = 1UL; number <= 5; number++)
        {
            var step = (long)number * 10;
            // Each ends what it did, at another moment, and opens the next plan.
            LinkedCluster.RunAll(cluster.Members, linked =>
            {
                var plan = linked.Plan(number, cluster.Members, ranges, (ulong)step);
                linked.Open(plan, step);
                linked.Links.CloseBefore(plan.Generation);
                for (var at = step; at < step + 2; at++)
                {
                    Assert.Equal(ExchangeStatus.Completed, linked.Member.Step(at).Status);
                    Cluster.AssertSameBits(Expected(layout, at), linked.Member.Result(), $"plan {number}, {linked.Id}, step {at}");
                    linked.Member.Spoil();
                }
                // Who opens a plan drops what it has queued, which others may still lack.
                Assert.True(together.SignalAndWait(Deadline.Default), $"{linked.Id} waited for the others.");
            });
        }
        Assert.All(cluster.Members, member => Assert.Empty(member.Losses));
    }

    /// <summary>Steps of all members: each has the bits of the exchange in memory, and nobody is lost.</summary>
    internal static void StepAll(LinkedCluster cluster, ExchangeLayout layout, SlotRange[] ranges)
    {
        const int steps = 6;
        var expected = InMemory(layout, ranges, steps);
        cluster.Open(1, cluster.Members, ranges, 0);
        // A spare is not waited for by the others; here all wait for all, so that it is never left behind.
        using var together = new Barrier(ranges.Length);

        LinkedCluster.RunAll(cluster.Members, linked =>
        {
            for (var step = 0; step < steps; step++)
            {
                Assert.Equal(ExchangeStatus.Completed, linked.Member.Step(step).Status);
                Cluster.AssertSameBits(expected[step], linked.Member.Result(), $"{linked.Id}, step {step}");
                linked.Member.Spoil();
                Assert.True(together.SignalAndWait(Deadline.Default), $"{linked.Id} waited for the others in step {step}.");
            }
        });

        Assert.All(cluster.Members, member => Assert.Empty(member.Losses));
        Assert.All(cluster.Members, member => Assert.Equal(0, member.Refused));
    }

    /// <summary>Steps of three members that are told of another plan at different times: all switch, and nobody is lost.</summary>
    /// <returns>After which step each switched.</returns>
    internal static long[] StepThroughPlannedChange(LinkedCluster cluster, ExchangeLayout layout)
    {
        SlotRange[] from = [new(0, 3), new(3, 5), new(5, 8)];
        SlotRange[] to = [new(0, 1), new(1, 6), new(6, 8)];
        cluster.Open(1, cluster.Members, from, 0);
        var switched = new long[3];

        LinkedCluster.RunAll(cluster.Members, linked =>
        {
            var rank = cluster.Members.IndexOf(linked);
            for (var step = 0L; step < 12; step++)
            {
                // Told at different times: the last one is in step 6.
                if (step == 2 + 2 * rank) linked.Prepare(linked.Plan(2, cluster.Members, to, null));
                var outcome = linked.Member.Step(step);
                Assert.Equal(ExchangeStatus.Completed, outcome.Status);
                Cluster.AssertSameBits(Expected(layout, step), linked.Member.Result(), $"{linked.Id}, step {step}");
                linked.Member.Spoil();
                if (outcome.LowestHeld == linked.Member.Plan.Generation) continue;
                switched[rank] = step;
                linked.SwitchTo(linked.Plan(2, cluster.Members, to, null));
            }
        });

        Assert.All(cluster.Members, member => Assert.Equal(new Generation(1, 2), member.Member.Plan.Generation));
        Assert.All(cluster.Members, member => Assert.Empty(member.Losses));
        Assert.All(cluster.Members, member => Assert.Equal(0, member.Refused));
        return switched;
    }

    internal static float[] Expected(ExchangeLayout layout, long step) =>
        Gradients.Sum(SlotTree.Root(layout.Slots), step, (int)layout.Length, (_, _) => false)!;

    private static float[][] InMemory(ExchangeLayout layout, SlotRange[] ranges, int steps)
    {
        Member[] members = [.. ranges.Select(_ => new Member(layout))];
        Cluster.Open(members, 1, ranges, peer => new DirectLink(peer));
        return [.. Enumerable.Range(0, steps).Select(step =>
        {
            foreach (var member in members) Assert.True(member.Begin(step));
            foreach (var member in members) member.Contribute(step);
            foreach (var member in members) Assert.Equal(ExchangeStatus.Completed, member.Wait().Status);
            if (layout.Format == WireFormat.Fp32) Cluster.AssertSameBits(Expected(layout, step), members[0].Result(), $"in memory, step {step}");
            return members[0].Result();
        })];
    }
}
