using System.Text;
using Grpc.Core;
using VaeCluster.Collectives;
using VaeCluster.Protocol.Access;
using VaeCluster.Protocol.Segments;
using VaeCluster.Protocol.V1;
using VaeCluster.Worker.Links;

namespace VaeCluster.Worker.Tests.Links;

/// <summary>Streams written by hand, as collective.proto describes them, to a member that is w0 of a plan of two.</summary>
public sealed class StreamRefusalTests : IAsyncLifetime
{
    private static readonly SlotRange[] Ranges = [new(0, 4), new(4, 8)];

    private readonly List<PeerChannel> channels = [];
    private LinkedCluster cluster = null!;

    private LinkedMember Member => cluster.Members[0];

    public async ValueTask InitializeAsync() => cluster = await LinkedCluster.StartAsync(2, LinkedCluster.Layout(),
        options: new LinkOptions { MostWaiting = 2, PlanGrace = TimeSpan.FromHours(1), CloseGrace = TimeSpan.FromMilliseconds(50) });

    public async ValueTask DisposeAsync()
    {
        foreach (var channel in channels) channel.Dispose();
        await cluster.DisposeAsync();
    }

    [Theory]
    [InlineData("run-2", "1.2", "w1", "1", StreamRefusal.WrongRun, StatusCode.FailedPrecondition)]
    [InlineData("run-1", "1.1", "w1", "1", StreamRefusal.StaleGeneration, StatusCode.FailedPrecondition)]
    [InlineData("run-1", "0.9", "w1", "1", StreamRefusal.StaleGeneration, StatusCode.FailedPrecondition)]
    [InlineData("run-1", "1.2", "w2", "1", StreamRefusal.WrongMember, StatusCode.FailedPrecondition)]
    [InlineData("run-1", "1.2", "w1", "2", StreamRefusal.WrongMember, StatusCode.FailedPrecondition)]
    [InlineData("run-1", "1.2", "w0", "0", StreamRefusal.WrongMember, StatusCode.FailedPrecondition)]
    [InlineData(null, "1.2", "w1", "1", StreamRefusal.Nameless, StatusCode.InvalidArgument)]
    [InlineData("run-1", null, "w1", "1", StreamRefusal.Nameless, StatusCode.InvalidArgument)]
    [InlineData("run-1", "1.2", null, "1", StreamRefusal.Nameless, StatusCode.InvalidArgument)]
    [InlineData("run-1", "1.2", "w1", null, StreamRefusal.Nameless, StatusCode.InvalidArgument)]
    [InlineData("run-1", "1", "w1", "1", StreamRefusal.Nameless, StatusCode.InvalidArgument)]
    [InlineData("run-1", "1.2.3", "w1", "1", StreamRefusal.Nameless, StatusCode.InvalidArgument)]
    [InlineData("run-1", "1.-2", "w1", "1", StreamRefusal.Nameless, StatusCode.InvalidArgument)]
    [InlineData("run-1", "1.2", "w1", "-1", StreamRefusal.Nameless, StatusCode.InvalidArgument)]
    [InlineData("run-1", "1.2", "w1", "99999999999999999999", StreamRefusal.Nameless, StatusCode.InvalidArgument)]
    public async Task Stream_ThatIsNotThePlans_IsRefusedAndCounted(string? run, string? generation, string? worker, string? rank,
        StreamRefusal refusal, StatusCode status)
    {
        OpenSecondPlan();

        using var stream = Open(run, generation, worker, rank);

        Assert.Equal(status, (await EndAsync(stream)).StatusCode);
        Assert.Equal((1, 1), (Member.Links.Refused(refusal), Member.Refused));
        Assert.Empty(Member.Losses);
    }

    [Fact]
    public async Task Stream_Doubled_TheSecondIsRefusedAndTheFirstGoesOn()
    {
        OpenSecondPlan();
        using var first = Open("run-1", "1.2", "w1", "1");
        await AcceptedAsync(first);

        using var second = Open("run-1", "1.2", "w1", "1");

        Assert.Equal(StatusCode.AlreadyExists, (await EndAsync(second)).StatusCode);
        Assert.Equal((1, 1), (Member.Links.Refused(StreamRefusal.Doubled), Member.Refused));
        Assert.Empty(Member.Losses);
        await first.RequestStream.CompleteAsync();
        Assert.False(await Deadline.For(first.ResponseStream.MoveNext(TestContext.Current.CancellationToken), "the first stream's end"));
    }

    [Fact]
    public async Task Stream_WithoutTheToken_IsRefusedBeforeAnybodyLooks()
    {
        var token = SharedToken.Parse("0123456789abcdef");
        await using var member = await LinkedMember.StartAsync("w0", LinkedCluster.Layout(), token: token);
        using var stranger = cluster.Members[1].Dialer.Dial(member.Address);
        using var friend = member.Dialer.Dial(member.Address);

        using var without = SegmentExchange.Open(stranger.Invoker, new CallOptions(Identity("run-2", "1.1", "w1", "1")));
        Assert.Equal(StatusCode.Unauthenticated, (await EndAsync(without)).StatusCode);
        Assert.Equal((1, 0), (member.Strangers, member.Refused));

        using var with = SegmentExchange.Open(friend.Invoker, new CallOptions(Identity("run-2", "1.1", "w1", "1")));
        Assert.Equal(StatusCode.FailedPrecondition, (await EndAsync(with)).StatusCode);
        Assert.Equal((1, 1), (member.Strangers, member.Refused));
    }

    [Fact]
    public async Task Stream_OfAPlanNotYetKnown_WaitsForIt()
    {
        OpenPlan(1);
        using var stream = Open("run-1", "1.2", "w1", "1");
        var headers = stream.ResponseHeadersAsync;
        // Something else passes meanwhile: the one that waits holds nobody up.
        using var other = Open("run-1", "1.1", "w1", "1");
        await AcceptedAsync(other);
        Assert.False(headers.IsCompleted);

        OpenPlan(2);

        await AcceptedAsync(stream);
        Assert.Equal(new Protocol.V1.Generation { Term = 1, Number = 2 }, stream.ResponseStream.Current.KnownGeneration);
        Assert.Equal(0, Member.Refused);
    }

    [Fact]
    public async Task Stream_OfAPlanThatIsOvertaken_IsRefused()
    {
        OpenPlan(1);
        using var stream = Open("run-1", "1.2", "w1", "1");

        OpenPlan(3);

        Assert.Equal(StatusCode.FailedPrecondition, (await EndAsync(stream)).StatusCode);
        Assert.Equal((1, 1), (Member.Links.Refused(StreamRefusal.StaleGeneration), Member.Refused));
    }

    [Fact]
    public async Task Stream_BeforeTheRunIsKnown_WaitsForIt()
    {
        await using var member = await LinkedMember.StartAsync("w0", LinkedCluster.Layout(), attach: false);
        using var channel = member.Dialer.Dial(member.Address);
        using var stream = SegmentExchange.Open(channel.Invoker, new CallOptions(Identity("run-1", "1.1", "w1", "1")));

        member.Links.Attach("run-1", member.Member.Exchange);
        member.Open(member.Plan(1, [member, cluster.Members[1]], Ranges), 0);

        await AcceptedAsync(stream);
    }

    [Fact]
    public async Task Stream_BeyondThoseThatMayWait_IsRefused()
    {
        OpenPlan(1);
        using var first = Open("run-1", "1.2", "w1", "1");
        using var second = Open("run-1", "1.3", "w1", "1");
        // Which of the three is one too many is a matter of chance.
        using var third = Open("run-1", "1.4", "w1", "1");
        var ended = await Deadline.For(await Deadline.For(Task.WhenAny(EndAsync(first), EndAsync(second), EndAsync(third)), "a refusal"), "the refusal");

        Assert.Equal(StatusCode.ResourceExhausted, ended.StatusCode);
        Assert.Equal((1, 1), (Member.Links.Refused(StreamRefusal.TooMany), Member.Refused));
    }

    [Fact]
    public async Task Stream_OfAPlanThatDoesNotCome_IsRefusedInTheEnd()
    {
        await using var member = await LinkedMember.StartAsync("w0", LinkedCluster.Layout(), options: new LinkOptions { PlanGrace = TimeSpan.FromMilliseconds(50) });
        using var channel = member.Dialer.Dial(member.Address);

        using var stream = SegmentExchange.Open(channel.Invoker, new CallOptions(Identity("run-1", "1.1", "w1", "1")));

        Assert.Equal(StatusCode.Unavailable, (await EndAsync(stream)).StatusCode);
        Assert.Equal((1, 1), (member.Links.Refused(StreamRefusal.UnknownGeneration), member.Refused));
    }

    [Fact]
    public async Task DisposeAsync_StreamThatWaits_EndsToo()
    {
        OpenPlan(1);
        using var waiting = Open("run-1", "1.2", "w1", "1");
        using var accepted = Open("run-1", "1.1", "w1", "1");
        await AcceptedAsync(accepted);

        await Deadline.For(Member.Links.DisposeAsync().AsTask(), "the links' end");

        Assert.Equal(StatusCode.Unavailable, (await EndAsync(waiting)).StatusCode);
        // It goes away in the middle of a plan: for the peer that is a loss, and so no end in order.
        Assert.NotEqual(StatusCode.OK, (await EndAsync(accepted)).StatusCode);
    }

    [Theory]
    [InlineData("sender")]
    [InlineData("generation")]
    [InlineData("bucket")]
    [InlineData("run")]
    [InlineData("slots")]
    public async Task Segment_ThatNoHonestPeerSends_EndsTheStreamAndThePeerIsLost(string wrong)
    {
        OpenSecondPlan();
        Assert.True(Member.Member.Begin(0));
        using var stream = Open("run-1", "1.2", "w1", "1");
        await AcceptedAsync(stream);
        var header = new Protocol.Segments.SegmentHeader
        {
            Run = wrong == "run" ? "run-2" : "run-1",
            Generation = new(1, wrong == "generation" ? 1ul : 2),
            KnownGeneration = new(1, 2),
            Step = 0,
            Bucket = wrong == "bucket" ? 7u : 0,
            Chunk = 0,
            Phase = Phase.Reduce,
            Format = Protocol.V1.WireFormat.Float32,
            FirstSlot = 4,
            Slots = wrong == "slots" ? 3u : 4,
            Sender = wrong == "sender" ? 0u : 1,
        };

        await stream.RequestStream.WriteAsync(new SegmentMessage(header, new byte[4096]), TestContext.Current.CancellationToken);

        Assert.Equal(StatusCode.FailedPrecondition, (await EndAsync(stream)).StatusCode);
        Assert.Equal((1, 1), (Member.Links.Refused(StreamRefusal.WrongSegment), Member.Refused));
        await Deadline.Until(() => Member.Losses.Length > 0, "the loss");
        Assert.Equal("w1", Assert.Single(Member.Losses).WorkerId);
    }

    [Fact]
    public async Task Message_ThatIsNoSegment_EndsTheStreamAndThePeerIsLost()
    {
        OpenSecondPlan();
        var bytes = Marshallers.Create<byte[]>(message => message, message => message);
        var method = new Method<byte[], byte[]>(MethodType.DuplexStreaming, "vaecluster.v1.Collective", "Exchange", bytes, bytes);
        using var stream = Dial().Invoker.AsyncDuplexStreamingCall(method, null, new CallOptions(Identity("run-1", "1.2", "w1", "1")));
        Assert.True(await Deadline.For(stream.ResponseStream.MoveNext(TestContext.Current.CancellationToken), "the receipt"));

        await stream.RequestStream.WriteAsync([0xff, 0xff, 0xff, 0xff], TestContext.Current.CancellationToken);

        var exception = await Assert.ThrowsAsync<RpcException>(() => Deadline.For(stream.ResponseStream.MoveNext(TestContext.Current.CancellationToken), "the stream's end"));
        Assert.Equal(StatusCode.InvalidArgument, exception.StatusCode);
        Assert.Equal((1, 1), (Member.Links.Refused(StreamRefusal.Malformed), Member.Refused));
        await Deadline.Until(() => Member.Losses.Length > 0, "the loss");
    }

    private void OpenSecondPlan()
    {
        OpenPlan(1);
        OpenPlan(2);
        Member.Links.CloseBefore(new(1, 2));
    }

    /// <summary>The other member never hears of it: our own stream waits there, and breaks nothing.</summary>
    private void OpenPlan(ulong number) => Member.Open(Member.Plan(number, cluster.Members, Ranges), 0);

    private PeerChannel Dial()
    {
        var channel = Member.Dialer.Dial(Member.Address);
        channels.Add(channel);
        return channel;
    }

    private AsyncDuplexStreamingCall<SegmentMessage, Receipt> Open(string? run, string? generation, string? worker, string? rank) =>
        SegmentExchange.Open(Dial().Invoker, new CallOptions(Identity(run, generation, worker, rank)));

    private static Metadata Identity(string? run, string? generation, string? worker, string? rank)
    {
        var metadata = new Metadata();
        if (run is not null) metadata.Add("vaecluster-run-bin", Encoding.UTF8.GetBytes(run));
        if (generation is not null) metadata.Add("vaecluster-generation", generation);
        if (worker is not null) metadata.Add("vaecluster-worker", worker);
        if (rank is not null) metadata.Add("vaecluster-rank", rank);
        return metadata;
    }

    private static async Task AcceptedAsync(AsyncDuplexStreamingCall<SegmentMessage, Receipt> stream) =>
        Assert.True(await Deadline.For(stream.ResponseStream.MoveNext(TestContext.Current.CancellationToken), "the receipt of an accepted stream"));

    private static async Task<Status> EndAsync(AsyncDuplexStreamingCall<SegmentMessage, Receipt> stream)
    {
        try
        {
            while (await Deadline.For(stream.ResponseStream.MoveNext(TestContext.Current.CancellationToken), "the stream's end"))
            {
            }
            return stream.GetStatus();
        }
        catch (RpcException exception)
        {
            return exception.Status;
        }
    }
}
