using System.Collections.Concurrent;

namespace VaeCluster.Collectives.Tests;

/// <summary>Random clusters through random planned and unplanned changes; what is asserted is every bit of every step.</summary>
public sealed class SoakTests
{
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(60);

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    [InlineData(5)]
    [InlineData(6)]
    [InlineData(7)]
    [InlineData(8)]
    public async Task Steps_ThroughRandomChanges_AreTheTreesSumsToTheBit(int seed)
    {
        var random = new Random(seed);
        using var wire = new Wire(seed, threads: 1 + seed % 3);
        var slots = random.Next(2, 18);
        int[] buckets = [.. Enumerable.Range(0, random.Next(1, 5)).Select(_ => random.Next(1, 600))];
        var layout = Cluster.Layout(slots, buckets, queued: 2000);
        var expected = new ConcurrentDictionary<long, float[]>();
        Member[] all = [.. Enumerable.Range(0, 6).Select(_ => new Member(layout))];
        var number = 0UL;

        for (var epoch = 1L; epoch <= 6; epoch++)
        {
            Member[] members = [.. all.OrderBy(_ => random.Next()).Take(random.Next(1, 7))];
            var plans = new ConcurrentDictionary<Generation, SlotRange[]>();
            var start = epoch * 10_000;
            var opened = DealSome(members.Length);
            Cluster.Open(members, ++number, opened, wire.Link, start, IsEmpty);
            CountdownEvent? switched = null;

            var director = Task.Run(() =>
            {
                for (var changes = random.Next(4); changes > 0; changes--)
                {
                    Thread.SpinWait(random.Next(50_000));
                    var (from, to) = (opened, DealSome(members.Length));
                    switched = new CountdownEvent(members.Length);
                    plans[new(1, ++number)] = to;
                    foreach (var rank in Enumerable.Range(0, members.Length).OrderBy(rank => from[rank].IsEmpty ? 0 : 1))
                    {
                        if (!members[rank].Exchange.Prepare(Cluster.Plan(number, rank, to, IsEmpty), Cluster.Links(members, rank, wire.Link))) return;
                        members[rank].Held = new(1, number);
                    }
                    if (!switched.Wait(Deadline)) break;
                    opened = to;
                }
                Thread.SpinWait(random.Next(50_000));
                foreach (var member in members) member.Exchange.End("Halt.");
            }, TestContext.Current.CancellationToken);

            Cluster.RunAll(members, member =>
            {
                var rank = Array.IndexOf(members, member);
                for (var step = start; ; step++)
                {
                    var outcome = member.Step(step);
                    if (outcome.Status == ExchangeStatus.Ended) return;
                    var sum = expected.GetOrAdd(step, at => Gradients.Sum(SlotTree.Root(slots), at, (int)layout.Length, IsEmpty)!);
                    Cluster.AssertSameBits(sum, member.Result(), $"seed {seed}, epoch {epoch}, plan {member.Plan.Generation}, rank {rank}, step {step}");
                    member.Spoil();
                    if (outcome.LowestHeld == member.Plan.Generation) continue;
                    member.SwitchTo(Cluster.Plan(outcome.LowestHeld.Number, rank, plans[outcome.LowestHeld], IsEmpty));
                    switched!.Signal();
                }
            }, wire);
            await director.WaitAsync(Deadline, TestContext.Current.CancellationToken);
            Assert.True(switched is null or { IsSet: true }, $"seed {seed}, epoch {epoch}: a plan that all held did not take effect.");
            expected.Clear();
        }

        SlotRange[] DealSome(int members)
        {
            var contributors = random.Next(Math.Max(1, members - 2), Math.Min(members, slots) + 1);
            contributors = Math.Min(contributors, slots);
            return Cluster.Deal(slots, contributors, members - contributors, random);
        }

        bool IsEmpty(long step, int slot) => step % 7 == 6 && slot > 0 && slot >= step % slots;
    }
}
