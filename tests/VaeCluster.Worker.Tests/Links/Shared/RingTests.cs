using VaeCluster.Collectives;
using VaeCluster.Collectives.Tests;
using VaeCluster.Worker.Links;
using VaeCluster.Worker.Links.Shared;

namespace VaeCluster.Worker.Tests.Links.Shared;

/// <summary>One ring between two memories, taken from by hand.</summary>
public sealed class RingTests : IDisposable
{
    private static readonly ExchangeLayout Layout = new() { Run = "run", Slots = 2, Buckets = [32 * RingLayout.Capacity], SegmentBytes = 64 };
    private static readonly Generation Plan = new(1, 1);

    private readonly SharedArena sender = new(16 << 20, _ => { }), receiver = new(16 << 20, _ => { });
    private readonly Exchange exchange;
    private readonly List<string> failures = [];
    private readonly SendRing sending;
    private readonly ReceiveRing receiving;
    private readonly FloatMemory values;

    public RingTests()
    {
        exchange = new Exchange(Layout, arena: receiver);
        exchange.Open(new PlanView { Generation = Plan, Rank = 0, Members = [new(0, 1), new(1, 2)] }, [null, new KeptLink()], 0);
        sending = SendRing.TryCreate(sender)!;
        receiving = new ReceiveRing(new PeerArena(ArenaAddress.Of(sender)), sending.Offer, receiver, new StreamIdentity("run", Plan, "w1", 1), exchange, failures.Add);
        Assert.True(sending.TryOpen(receiving.Answer, new PeerArena(ArenaAddress.Of(receiver))));
        values = FloatMemory.Allocate(Layout.Buckets[0], sender);
    }

    [Fact]
    public void TryPush_RoundAndRound_EverySegmentIsTakenOnce()
    {
        // Every piece of the receiver's chunk: as many as the ring has entries, pushed and taken in lots of an odd size.
        var pushed = 0;
        for (var lot = 0; pushed < RingLayout.Capacity; lot++)
        {
            for (var i = 0; i < 7 && pushed < RingLayout.Capacity; i++, pushed++) Assert.True(sending.TryPush(Segment(pushed), Payload(pushed)));
            Assert.True(receiving.TryTake());
        }
        for (var results = 0; results < 100; results++, pushed++)
        {
            Assert.True(sending.TryPush(Segment(results) with { Phase = SegmentPhase.Gather, Chunk = 1, FirstSlot = 0, Slots = 0 }, Payload(results)));
            Assert.True(receiving.TryTake());
        }

        Assert.False(receiving.TryTake());
        Assert.Equal(pushed * 64L, exchange.BytesTaken);
        Assert.Empty(failures);
        Assert.True(sending.HasTaken(0));
    }

    [Fact]
    public void TryPush_NobodyTakes_IsRefusedWhenTheRingIsFullAndGoesOnAfterwards()
    {
        for (var i = 0; i < RingLayout.Capacity; i++) Assert.True(sending.TryPush(Segment(i), Payload(i)));

        Assert.False(sending.TryPush(Segment(0), Payload(0)));
        Assert.False(sending.HasTaken(0));
        Assert.True(receiving.TryTake());
        Assert.True(sending.HasTaken(0));
        Assert.True(sending.TryPush(Segment(0) with { Phase = SegmentPhase.Gather, Chunk = 1, FirstSlot = 0, Slots = 0 }, Payload(0)));
    }

    [Fact]
    public void TryPush_MemoryOfThisProcessAlone_IsLeftToAnotherWay()
    {
        Assert.False(sending.TryPush(Segment(0), FloatMemory.Allocate(16).Bytes(0, 64)));
        Assert.False(sending.TryPush(Segment(0), new byte[64]));
    }

    [Fact]
    public void Withdraw_BeforeThePeerHasLooked_NothingIsTaken()
    {
        Assert.True(sending.TryPush(Segment(0), Payload(0)));
        sending.Withdraw();

        Assert.False(receiving.TryTake());
        Assert.Equal(0, exchange.BytesTaken);
        Assert.False(sending.TryPush(Segment(1), Payload(1)));
        Assert.Empty(failures);
    }

    /// <summary>The owner holds the operand where the peer has it until the other one is there: withdrawn meanwhile, it is not used.</summary>
    [Fact]
    public void Withdraw_BeforeTheSum_NoResultComesOfIt()
    {
        var own = FloatMemory.Allocate(Layout.Buckets[0]);
        Assert.True(exchange.Begin(0, Plan, Plan));
        for (var i = 0; i < 10; i++) Assert.True(sending.TryPush(Segment(i), Payload(i)));
        Assert.True(receiving.TryTake());
        sending.Withdraw();
        values.Floats.Fill(float.NaN);

        var sent = exchange.BytesSent;
        Assert.True(exchange.Contribute(0, new SlotRange(0, 1), own));

        // To the peer go its parts of the bucket, and no sum.
        Assert.Equal(Layout.Buckets[0] / 2 * sizeof(float), exchange.BytesSent - sent);
        Assert.Equal(ExchangeStatus.Running, exchange.Wait(TimeSpan.Zero).Status);
    }

    [Theory]
    [InlineData(1L << 40, 64)]
    [InlineData(0, 64)]
    [InlineData(8192, -64)]
    [InlineData(8193, 64)]
    [InlineData(8192, 128)]
    public unsafe void TryTake_EntryNamesWhatIsNotThere_EndsTheStream(long payload, int bytes)
    {
        Assert.True(sending.TryPush(Segment(0), Payload(0)));
        // As a peer gone wrong would have it.
        var entry = (RingEntry*)(sender.At(sending.Offer.Offset) + RingLayout.Entries);
        (entry->Payload, entry->PayloadBytes) = (payload, bytes);

        Assert.False(receiving.TryTake());
        Assert.Single(failures);
        Assert.False(receiving.HasWork);
    }

    [Fact]
    public void ReceiveRing_OfferWithoutARing_IsRefused()
    {
        var memory = new PeerArena(ArenaAddress.Of(sender));
        foreach (var offer in (RingOffer[])[sending.Offer with { Nonce = 1 }, sending.Offer with { Offset = 1L << 50 }, sending.Offer with { Offset = 8 }])
        {
            Assert.Throws<IOException>(() => new ReceiveRing(memory, offer, receiver, new StreamIdentity("run", Plan, "w1", 1), exchange, failures.Add));
        }
    }

    public void Dispose()
    {
        sending.Withdraw();
        exchange.End("The test is over.");
        sender.Dispose();
        receiver.Dispose();
    }

    private static SegmentHeader Segment(int piece) => new()
    {
        Run = "run",
        Generation = Plan,
        Held = Plan,
        Step = 0,
        Bucket = 0,
        Chunk = 0,
        Phase = SegmentPhase.Reduce,
        Format = WireFormat.Fp32,
        Offset = (ulong)piece * 16,
        FirstSlot = 1,
        Slots = 1,
        Sender = 1,
    };

    private ReadOnlyMemory<byte> Payload(int piece) => values.Bytes(piece * 64, 64);
}
