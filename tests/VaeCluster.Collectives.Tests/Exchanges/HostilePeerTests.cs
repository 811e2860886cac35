namespace VaeCluster.Collectives.Tests;

public sealed class HostilePeerTests
{
    private static readonly SlotRange[] Ranges = [new(0, 2), new(2, 3), new(3, 4), default];

    private readonly ExchangeLayout layout = Cluster.Layout(4, [100, 300]);
    private readonly Member victim;
    private readonly List<(SegmentHeader Header, ReadOnlyMemory<byte> Payload)> honest = [];

    /// <summary>The victim has contributed; what the honest peers send it is at hand, and not yet delivered.</summary>
    public HostilePeerTests()
    {
        Member[] members = [.. Ranges.Select(_ => new Member(layout))];
        victim = members[0];
        var kept = new KeptLink();
        Cluster.Open(members, 1, Ranges, peer => peer == victim.Exchange ? kept : new DirectLink(peer), step: 7, isEmpty: (_, slot) => slot == 2);
        foreach (var member in members) Assert.True(member.Begin(7));
        foreach (var member in members) member.Contribute(7);
        // Their gathers need only each other and the victim, which has contributed.
        honest.AddRange(kept.Kept);
    }

    public static TheoryData<string, Refusal> Lies => new()
    {
        { "run", Refusal.WrongRun },
        { "old term", Refusal.StaleGeneration },
        { "old number", Refusal.StaleGeneration },
        { "newer plan", Refusal.UnknownGeneration },
        { "newest plan", Refusal.UnknownGeneration },
        { "own rank", Refusal.WrongSender },
        { "spare", Refusal.WrongSender },
        { "no member", Refusal.WrongSender },
        { "rank of all ones", Refusal.WrongSender },
        { "another's rank", Refusal.WrongSender },
        { "bucket", Refusal.WrongBucket },
        { "bucket of all ones", Refusal.WrongBucket },
        { "chunk", Refusal.WrongChunk },
        { "chunk of another", Refusal.WrongChunk },
        { "chunk of all ones", Refusal.WrongChunk },
        { "no phase", Refusal.WrongPhase },
        { "unknown phase", Refusal.WrongPhase },
        { "format", Refusal.WrongFormat },
        { "unknown format", Refusal.WrongFormat },
        { "odd offset", Refusal.WrongRange },
        { "overlapping offset", Refusal.WrongRange },
        { "offset beyond", Refusal.WrongRange },
        { "offset of all ones", Refusal.WrongRange },
        { "offset that wraps", Refusal.WrongRange },
        { "longer payload", Refusal.WrongRange },
        { "shorter payload", Refusal.WrongRange },
        { "empty payload", Refusal.WrongRange },
        { "negative payload", Refusal.WrongRange },
        { "unknown node", Refusal.WrongNode },
        { "node beyond", Refusal.WrongNode },
        { "node of all ones", Refusal.WrongNode },
        { "node of another", Refusal.WrongSender },
        { "node without samples", Refusal.WrongNode },
        { "held older", Refusal.WrongHeld },
        { "two steps ahead", Refusal.WrongStep },
        { "step of all ones", Refusal.WrongStep },
        { "step before", Refusal.Late },
    };

    [Theory]
    [MemberData(nameof(Lies))]
    public void Resolve_OneFieldIsALie_RefusesCountsAndChangesNothing(string lie, Refusal expected)
    {
        var (header, payload) = honest.First(segment => segment.Header.Phase == SegmentPhase.Reduce);
        var length = payload.Length;
        header = lie switch
        {
            "run" => header with { Run = "run-2" },
            "old term" => header with { Generation = new(0, 1) },
            "old number" => header with { Generation = new(1, 0) },
            "newer plan" => header with { Generation = new(1, 2), Held = new(1, 2) },
            "newest plan" => header with { Generation = new(ulong.MaxValue, ulong.MaxValue) },
            "own rank" => header with { Sender = 0 },
            "spare" => header with { Sender = 3 },
            "no member" => header with { Sender = 4 },
            "rank of all ones" => header with { Sender = uint.MaxValue },
            "another's rank" => header with { Sender = 1 },
            "bucket" => header with { Bucket = 2 },
            "bucket of all ones" => header with { Bucket = uint.MaxValue },
            "chunk" => header with { Chunk = 3 },
            "chunk of another" => header with { Chunk = 1 },
            "chunk of all ones" => header with { Chunk = uint.MaxValue },
            "no phase" => header with { Phase = SegmentPhase.None },
            "unknown phase" => header with { Phase = (SegmentPhase)77 },
            "format" => header with { Format = WireFormat.Bf16 },
            "unknown format" => header with { Format = (WireFormat)(-1) },
            "odd offset" => header with { Offset = 1 },
            "overlapping offset" => header with { Offset = 16 },
            "offset beyond" => header with { Offset = 1 << 20 },
            "offset of all ones" => header with { Offset = ulong.MaxValue },
            "offset that wraps" => header with { Offset = 1UL << 62 },
            "unknown node" => header with { FirstSlot = 3, Slots = 2 },
            "node beyond" => header with { FirstSlot = 4 },
            "node of all ones" => header with { FirstSlot = uint.MaxValue, Slots = uint.MaxValue },
            "node of another" => header with { FirstSlot = 0, Slots = 2 },
            "node without samples" => header with { FirstSlot = 2, Slots = 1, Sender = 1 },
            "held older" => header with { Held = new(1, 0) },
            "two steps ahead" => header with { Step = 9 },
            "step of all ones" => header with { Step = ulong.MaxValue },
            "step before" => header with { Step = 6 },
            _ => header,
        };
        length = lie switch { "longer payload" => length + 4, "shorter payload" => length - 4, "empty payload" => 0, "negative payload" => -1, _ => length };

        var landing = victim.Exchange.Resolve(header, length);

        Assert.Equal(expected, landing.Refusal);
        Assert.False(landing.Lands);
        Assert.Equal(expected is Refusal.Late or Refusal.QueueFull, landing.Skips);
        Assert.Equal(1, victim.Exchange.Refusals(expected));
        victim.Exchange.Received(header);
        victim.Exchange.Abandoned(header);
        DeliverHonest();
    }

    [Fact]
    public void Resolve_TheSameSegmentTwice_TheSecondIsADuplicate()
    {
        foreach (var (header, payload) in honest)
        {
            Assert.True(victim.Exchange.Resolve(header, payload.Length).Lands);
            Assert.Equal(Refusal.Duplicate, victim.Exchange.Resolve(header, payload.Length).Refusal);
        }
    }

    [Fact]
    public void Resolve_AnotherHeldThanBefore_IsRefused()
    {
        var later = honest.Skip(1).First(segment => segment.Header.Sender == honest[0].Header.Sender);
        Assert.True(victim.Exchange.Resolve(honest[0].Header, honest[0].Payload.Length).Lands);

        Assert.Equal(Refusal.WrongHeld, victim.Exchange.Resolve(later.Header with { Held = new(9, 9) }, later.Payload.Length).Refusal);
    }

    [Fact]
    public void Resolve_ResultOfAnothersChunk_IsRefused()
    {
        var (header, payload) = honest.First(segment => segment.Header.Phase == SegmentPhase.Gather);

        Assert.Equal(Refusal.WrongSender, victim.Exchange.Resolve(header with { Sender = 3 - header.Sender }, payload.Length).Refusal);
        Assert.Equal(Refusal.WrongSender, victim.Exchange.Resolve(header with { Chunk = 0 }, payload.Length).Refusal);
        Assert.Equal(Refusal.WrongNode, victim.Exchange.Resolve(header with { FirstSlot = 2, Slots = 1 }, payload.Length).Refusal);
        DeliverHonest();
    }

    [Fact]
    public void Resolve_RandomHeaders_OnlyHonestOnesLand()
    {
        var random = new Random(1);
        ulong[] numbers = [0, 1, 2, 3, 7, 8, 9, 16, 32, 64, int.MaxValue, uint.MaxValue, long.MaxValue, ulong.MaxValue];
        var expected = honest.Select(segment => segment.Header).ToHashSet();
        for (var i = 0; i < 200_000; i++)
        {
            var (header, payload) = honest[random.Next(honest.Count)];
            for (var lies = random.Next(1, 4); lies > 0; lies--) header = Lie(header);
            var length = random.Next(3) == 0 ? (int)Number() : payload.Length;
            // Of what lands, only a next step's can differ from what the peers did send.
            var landing = victim.Exchange.Resolve(header, length);
            if (!landing.Lands) continue;
            Assert.True(expected.Contains(header with { Step = 7, Held = new(1, 1) }), $"{header} landed.");
            Assert.True(header.Step is 7 or 8 && header.Held >= new Generation(1, 1), $"{header} landed.");
            Assert.Equal(length, landing.Destination.Length);
        }

        ulong Number() => numbers[random.Next(numbers.Length)];

        SegmentHeader Lie(SegmentHeader header) => random.Next(12) switch
        {
            0 => header with { Generation = new(Number(), Number()) },
            1 => header with { Held = new(Number(), Number()) },
            2 => header with { Step = Number() },
            3 => header with { Bucket = (uint)Number() },
            4 => header with { Chunk = (uint)Number() },
            5 => header with { Phase = (SegmentPhase)Number() },
            6 => header with { Format = (WireFormat)Number() },
            7 => header with { Offset = Number() },
            8 => header with { FirstSlot = (uint)Number() },
            9 => header with { Slots = (uint)Number() },
            10 => header with { Sender = (uint)Number() },
            _ => header with { Run = "" },
        };
    }

    private void DeliverHonest()
    {
        foreach (var (header, payload) in honest)
        {
            var landing = victim.Exchange.Resolve(header, payload.Length);
            Assert.True(landing.Lands, $"{landing.Refusal}: {header}");
            payload.CopyTo(landing.Destination);
            victim.Exchange.Received(header);
        }
        // What the others need from the victim to finish their chunks they have; its own chunk it has now.
        Assert.Equal(ExchangeStatus.Completed, victim.Wait().Status);
        Cluster.AssertSameBits(Gradients.Sum(SlotTree.Root(4), 7, (int)layout.Length, (_, slot) => slot == 2)!, victim.Result(), "after the lie");
    }
}
