using VaeCluster.Collectives;
using VaeCluster.Collectives.Tests;
using VaeCluster.Worker.Links;

namespace VaeCluster.Worker.Tests.Links.Shared;

/// <summary>Whole exchanges through shared memory, for all members or some: every bit is that of the tree.</summary>
public sealed class SharedExchangeTests
{
    public static TheoryData<WireFormat, SlotRange[], int> Plans => new()
    {
        { WireFormat.Fp32, [new(0, 4), new(4, 8)], 2 },
        { WireFormat.Fp32, [new(0, 3), new(3, 5), new(5, 8)], 3 },
        { WireFormat.Fp32, [new(0, 1), new(1, 4), new(4, 6), new(6, 8)], 4 },
        { WireFormat.Fp32, [new(0, 1), new(1, 4), new(4, 6), new(6, 8)], 3 },
        { WireFormat.Fp32, [new(0, 4), default, new(4, 8)], 3 },
        { WireFormat.Bf16, [new(0, 4), new(4, 8)], 2 },
        { WireFormat.Bf16, [new(0, 1), new(1, 4), new(4, 6), new(6, 8)], 4 },
    };

    [Theory]
    [MemberData(nameof(Plans))]
    public async Task Step_ThroughSharedMemory_HasTheBitsOfTheExchangeInMemory(WireFormat format, SlotRange[] ranges, int sharing)
    {
        var layout = LinkedCluster.Layout(format);
        await using var cluster = await LinkedCluster.StartAsync(ranges.Length, layout, shares: rank => rank < sharing);
        LinkedExchangeTests.StepAll(cluster, layout, ranges);
        for (var rank = 0; rank < ranges.Length; rank++)
        {
            var member = cluster.Members[rank];
            var (sent, received) = (member.Links.BytesShared, member.Member.Exchange.BytesTaken);
            var (allSent, allReceived) = (member.Member.Exchange.BytesSent, member.Member.Exchange.BytesReceived);
            if (rank >= sharing)
            {
                Assert.Equal((0, 0), (sent, received));
            }
            else if (sharing == ranges.Length)
            {
                // Nothing is sent before the streams are accepted, and what has waited for that is shared as well.
                Assert.Equal((allSent, allReceived), (sent, received));
            }
            else
            {
                Assert.InRange(sent, 1, allSent - 1);
                Assert.InRange(received, 1, allReceived - 1);
            }
        }
    }

    [Fact]
    public async Task Step_PlannedChangeBetweenSteps_AllSwitchAndNobodyIsLost()
    {
        var layout = LinkedCluster.Layout();
        await using var cluster = await LinkedCluster.StartAsync(3, layout, shares: _ => true);
        Assert.All(LinkedExchangeTests.StepThroughPlannedChange(cluster, layout), step => Assert.Equal(6, step));
    }

    /// <summary>As a halt does it: one gives the step up in the middle, and overwrites at once what the others may be reading.</summary>
    [Fact]
    public async Task End_InTheMiddleOfAStep_WhatIsOverwrittenReachesNobody()
    {
        var layout = LinkedCluster.Layout();
        SlotRange[] ranges = [new(0, 3), new(3, 5), new(5, 8)];
        await using var cluster = await LinkedCluster.StartAsync(3, layout, shares: _ => true);
        using var together = new Barrier(3);
        for (var number = 1UL; number <= 20; number++)
        {
            var step = (long)number * 10;
            LinkedCluster.RunAll(cluster.Members, linked =>
            {
                var plan = linked.Plan(number, cluster.Members, ranges, (ulong)step);
                linked.Open(plan, step);
                linked.Links.CloseBefore(plan.Generation);
                Assert.Equal(ExchangeStatus.Completed, linked.Member.Step(step).Status);
                Cluster.AssertSameBits(LinkedExchangeTests.Expected(layout, step), linked.Member.Result(), $"plan {number}, {linked.Id}");
                linked.Member.Spoil();
                // Who ends takes back what others may still lack.
                Assert.True(together.SignalAndWait(Deadline.Default), $"{linked.Id} waited for the others to be done.");
                Assert.True(linked.Member.Begin(step + 1));
                linked.Member.Contribute(step + 1);
                if (cluster.Members.IndexOf(linked) == (int)number % 3)
                {
                    linked.Member.Exchange.End("Given up.");
                    linked.Member.Spoil();
                }
                // The others may have all they need, or not; what they have is right.
                var outcome = linked.Member.Exchange.Wait(TimeSpan.FromMilliseconds(20));
                if (outcome.Status == ExchangeStatus.Completed)
                {
                    Cluster.AssertSameBits(LinkedExchangeTests.Expected(layout, step + 1), linked.Member.Result(), $"plan {number}, {linked.Id}, given up by another");
                }
                Assert.True(together.SignalAndWait(Deadline.Default), $"{linked.Id} waited for the others.");
            });
        }
        Assert.All(cluster.Members, member => Assert.Empty(member.Losses));
    }

    [Fact]
    public async Task Step_NoRoomInTheSharedMemory_GoesByGrpc()
    {
        var layout = LinkedCluster.Layout();
        SlotRange[] ranges = [new(0, 4), new(4, 8)];
        // Room for the ring and for results, but not for all of what is contributed.
        await using var cluster = await LinkedCluster.StartAsync(2, layout, options: new LinkOptions { MostSharedBytes = 480 << 10 }, shares: _ => true);
        cluster.Open(1, cluster.Members, ranges, 0);

        LinkedCluster.RunAll(cluster.Members, linked =>
        {
            for (var step = 0; step < 6; step++)
            {
                Assert.Equal(ExchangeStatus.Completed, linked.Member.Step(step).Status);
                Cluster.AssertSameBits(LinkedExchangeTests.Expected(layout, step), linked.Member.Result(), $"{linked.Id}, step {step}");
            }
        });

        Assert.All(cluster.Members, member => Assert.True(member.Links.BytesShared < member.Member.Exchange.BytesSent));
    }
}
