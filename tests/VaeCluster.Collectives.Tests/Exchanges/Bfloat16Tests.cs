namespace VaeCluster.Collectives.Tests;

public sealed class Bfloat16Tests
{
    [Fact]
    public void Step_OneContributor_ResultIsRoundedToTheNearestEven()
    {
        float[] special = [0f, -0f, 1f, float.Epsilon, -float.Epsilon, float.MaxValue, float.MinValue, float.PositiveInfinity,
            float.NegativeInfinity, 1 + 1f / 256, 1 + 3f / 256, 1 + 1f / 256 + 1f / (1 << 20), BitConverter.UInt32BitsToSingle(0x007f_ffff)];
        var random = new Random(4);
        float[] values = [.. special, .. Enumerable.Range(0, 100_000).Select(_ => BitConverter.Int32BitsToSingle(random.Next(int.MinValue, int.MaxValue)))];

        var results = RoundTrip(values);

        for (var i = 0; i < values.Length; i++)
        {
            if (float.IsNaN(values[i])) Assert.True(float.IsNaN(results[i]));
            else Assert.Equal(BitConverter.SingleToInt32Bits(Nearest(values[i])), BitConverter.SingleToInt32Bits(results[i]));
        }
    }

    [Theory]
    [InlineData(2, 8)]
    [InlineData(3, 8)]
    [InlineData(5, 11)]
    public void Step_SamePlanInOtherOrders_SameBitsEverywhereAndWithinTheBound(int contributors, int slots)
    {
        const int Steps = 6;
        const int ExactTail = 21;
        var layout = Cluster.Layout(slots, [37, 300, 90], WireFormat.Bf16, ExactTail, queued: Steps);
        var ranges = Cluster.Deal(slots, contributors, 1, new Random(contributors));

        var first = Results(layout, ranges, Steps, seed: 1);
        var second = Results(layout, ranges, Steps, seed: 2);

        for (var step = 0; step < Steps; step++)
        {
            var sum = Gradients.Sum(SlotTree.Root(slots), step, (int)layout.Length, (_, _) => false)!;
            var parts = ranges.Where(range => !range.IsEmpty).SelectMany(range => SlotTree.Cover(slots, range))
                .Select(node => Gradients.Sum(node, step, (int)layout.Length, (_, _) => false)!).ToList();
            foreach (var results in (float[][][])[.. first, .. second]) Cluster.AssertSameBits(first[0][step], results[step], $"step {step}");
            for (var i = 0; i < sum.Length; i++)
            {
                if (i >= sum.Length - ExactTail)
                {
                    Assert.Equal(sum[i], first[0][step][i]);
                    continue;
                }
                // Each part is rounded once on its way, and the sum of them once more; half a unit in the last of 8 bits.
                var bound = (parts.Sum(part => Math.Abs((double)part[i])) * 2.01 + Math.Abs(sum[i])) / 256;
                Assert.InRange(Math.Abs((double)first[0][step][i] - sum[i]), 0, bound);
                Assert.Equal(0, BitConverter.SingleToInt32Bits(first[0][step][i]) & 0xffff);
            }
        }
    }

    [Fact]
    public void Step_Bf16_SendsHalfTheBytes()
    {
        long Sent(WireFormat format)
        {
            var layout = Cluster.Layout(4, [64 * 100], format);
            Member[] members = [new(layout), new(layout)];
            Cluster.Open(members, 1, [new(0, 2), new(2, 4)], peer => new DirectLink(peer));
            foreach (var member in members) Assert.True(member.Begin(0));
            foreach (var member in members) member.Contribute(0);
            Assert.Equal(members[0].Exchange.BytesSent, members[1].Exchange.BytesReceived);
            return members[0].Exchange.BytesSent;
        }

        Assert.Equal(64 * 100 * sizeof(float), Sent(WireFormat.Fp32));
        Assert.Equal(64 * 100 * sizeof(float) / 2, Sent(WireFormat.Bf16));
    }

    /// <summary>By member and step.</summary>
    private static float[][][] Results(ExchangeLayout layout, SlotRange[] ranges, int steps, int seed)
    {
        using var wire = new Wire(seed);
        Member[] members = [.. ranges.Select(_ => new Member(layout))];
        Cluster.Open(members, 1, ranges, wire.Link);
        var results = members.ToDictionary(member => member, _ => new float[steps][]);
        Cluster.RunAll(members, member =>
        {
            for (var step = 0; step < steps; step++)
            {
                Assert.Equal(ExchangeStatus.Completed, member.Step(step).Status);
                results[member][step] = member.Result();
            }
        }, wire);
        return [.. members.Select(member => results[member])];
    }

    private static float[] RoundTrip(float[] values)
    {
        var exchange = new Exchange(Cluster.Layout(1, [values.Length], WireFormat.Bf16));
        exchange.Open(Cluster.Plan(1, 0, [new(0, 1)]), [null], 0);
        var memory = FloatMemory.Allocate(values.Length);
        values.CopyTo(memory.Floats);
        Assert.True(exchange.Begin(0, new(1, 1), new(1, 1)));
        Assert.True(exchange.Contribute(0, new(0, 1), memory));
        Assert.Equal(ExchangeStatus.Completed, exchange.Wait(TimeSpan.Zero).Status);
        return exchange.Result(0).Floats.ToArray();
    }

    /// <summary>By distances, in exact arithmetic: beyond the largest, the next would be 2^128.</summary>
    private static float Nearest(float value)
    {
        if (float.IsInfinity(value)) return value;
        var bits = BitConverter.SingleToUInt32Bits(value);
        var below = BitConverter.UInt32BitsToSingle(bits & 0xffff_0000);
        var aboveBits = (bits & 0xffff_0000) + 0x1_0000;
        var above = BitConverter.UInt32BitsToSingle(aboveBits);
        var exactAbove = float.IsInfinity(above) ? Math.CopySign(Math.Pow(2, 128), value) : above;
        var (toBelow, toAbove) = (Math.Abs((double)value - below), Math.Abs(exactAbove - value));
        if (toBelow != toAbove) return toBelow < toAbove ? below : above;
        return (aboveBits >> 16) % 2 == 0 ? above : below;
    }
}
