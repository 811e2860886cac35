namespace VaeCluster.Collectives.Tests;

public sealed class AllocationTests
{
    [Theory]
    [InlineData(WireFormat.Fp32)]
    [InlineData(WireFormat.Bf16)]
    public void Step_SteadyState_AllocatesNothing(WireFormat format)
    {
        var layout = Cluster.Layout(8, [1000, 3000], format, exactTail: 10);
        // Two subtrees for the first, one for the second; links deliver at once, so that all work is this thread's.
        Member[] members = [new(layout), new(layout), new(layout), new(layout)];
        SlotRange[] ranges = [new(0, 3), new(3, 4), default, new(4, 8)];
        Cluster.Open(members, 1, ranges, peer => new DirectLink(peer), isEmpty: (step, slot) => step % 5 == 4 && slot > 2);
        SlotRange[][] nodes = [.. ranges.Select(range => SlotTree.Cover(8, range).ToArray())];
        FloatMemory[] values = [FloatMemory.Allocate(1000), FloatMemory.Allocate(3000)];
        Run(0, 20);

        var before = GC.GetAllocatedBytesForCurrentThread();
        Run(20, 200);

        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);

        void Run(int from, int to)
        {
            for (var step = from; step < to; step++)
            {
                foreach (var member in members) member.Begin(step);
                for (var rank = 0; rank < members.Length; rank++)
                {
                    foreach (var node in nodes[rank])
                    {
                        if (step % 5 == 4 && node.Start > 2) continue;
                        for (var bucket = 0; bucket < 2; bucket++) members[rank].Exchange.Contribute(bucket, node, values[bucket]);
                    }
                }
                foreach (var member in members)
                {
                    if (member.Exchange.Wait(TimeSpan.Zero).Status != ExchangeStatus.Completed) throw new InvalidOperationException("Not complete.");
                }
            }
        }
    }

    [Fact]
    public void Open_PlanAfterPlan_ReusesTheFloats()
    {
        var layout = Cluster.Layout(4, [1_000_000]);
        Member[] members = [new(layout), new(layout)];
        nint[] first = [];
        for (var number = 1UL; number <= 20; number++)
        {
            Cluster.Open(members, number, [new(0, 2), new(2, 4)], peer => new DirectLink(peer), step: (long)number);
            foreach (var member in members) Assert.True(member.Begin((long)number));
            foreach (var member in members) member.Contribute((long)number);
            nint[] addresses = [.. members.Select(member => member.Exchange.Result(0).Address)];
            if (number == 1) first = addresses;
            Assert.Equal(first, addresses);
        }
    }
}
