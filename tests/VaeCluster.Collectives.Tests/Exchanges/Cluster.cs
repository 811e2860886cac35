using System.Runtime.InteropServices;

namespace VaeCluster.Collectives.Tests;

/// <summary>Members of one plan, and how to run them.</summary>
internal static class Cluster
{
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(100);

    public static ExchangeLayout Layout(int slots, int[]? buckets = null, WireFormat format = WireFormat.Fp32, int exactTail = 0, int queued = 4) => new()
    {
        Run = "run-1",
        Slots = slots,
        Buckets = buckets ?? [37, 300, 16],
        Format = format,
        ExactTail = exactTail,
        SegmentBytes = 128,
        QueuedSteps = queued,
    };

    /// <summary>Cuts the slots into ranges of random lengths, and puts the spares (empty ranges) anywhere among them.</summary>
    public static SlotRange[] Deal(int slots, int contributors, int spares, Random random)
    {
        var cuts = Enumerable.Range(1, slots - 1).OrderBy(_ => random.Next()).Take(contributors - 1).Append(0).Append(slots).Order().ToArray();
        var members = cuts.Zip(cuts.Skip(1), (start, end) => new SlotRange(start, end)).ToList();
        for (var i = 0; i < spares; i++) members.Insert(random.Next(members.Count + 1), default);
        return [.. members];
    }

    public static PlanView Plan(ulong number, int rank, IReadOnlyList<SlotRange> members, Func<long, int, bool>? isEmpty = null) => new()
    {
        Generation = new(1, number),
        Rank = rank,
        Members = members,
        IsEmpty = isEmpty ?? ((_, _) => false),
    };

    /// <summary>Opens a plan in all members, by rank.</summary>
    public static void Open(IReadOnlyList<Member> members, ulong number, IReadOnlyList<SlotRange> ranges, Func<Exchange, ISegmentLink> link,
        long step = 0, Func<long, int, bool>? isEmpty = null)
    {
        for (var rank = 0; rank < members.Count; rank++)
        {
            members[rank].Open(Plan(number, rank, ranges, isEmpty), Links(members, rank, link), step);
        }
    }

    public static ISegmentLink?[] Links(IReadOnlyList<Member> members, int rank, Func<Exchange, ISegmentLink> link) =>
        [.. members.Select((peer, at) => at == rank ? null : link(peer.Exchange))];

    /// <summary>A thread per member, all awaited within the deadline; throws what the first of them threw.</summary>
    public static void RunAll(IReadOnlyList<Member> members, Action<Member> train, Wire? wire = null)
    {
        var faults = new Exception?[members.Count];
        var threads = members.Select((member, at) => new Thread(() =>
        {
            try
            {
                train(member);
            }
            catch (Exception exception)
            {
                faults[at] = exception;
                foreach (var other in members) other.Exchange.End("A member has failed.");
            }
        })
        { IsBackground = true }).ToList();
        threads.ForEach(thread => thread.Start());
        var clock = System.Diagnostics.Stopwatch.StartNew();
        var late = threads.FindIndex(thread => !thread.Join(TimeSpan.FromSeconds(Math.Max(0, (Deadline - clock.Elapsed).TotalSeconds))));
        if (wire?.Fault is { } fault) throw new InvalidOperationException("The wire broke.", fault);
        if (faults.FirstOrDefault(thrown => thrown is not null) is { } first) throw new InvalidOperationException("A member failed.", first);
        Assert.True(late < 0, $"Member {late} was not done within {Deadline}.");
    }

    public static void AssertSameBits(float[] expected, float[] actual, string where)
    {
        if (MemoryMarshal.AsBytes<float>(expected).SequenceEqual(MemoryMarshal.AsBytes<float>(actual))) return;
        var at = Enumerable.Range(0, expected.Length).First(i => BitConverter.SingleToInt32Bits(expected[i]) != BitConverter.SingleToInt32Bits(actual[i]));
        Assert.Fail($"{where}: float {at} of {expected.Length} is {actual[at]:R}, not {expected[at]:R}.");
    }
}
