using System.Collections.Concurrent;
using Microsoft.AspNetCore.Builder;
using VaeCluster.Collectives;
using VaeCluster.Collectives.Tests;
using VaeCluster.Protocol.Access;
using VaeCluster.Protocol.Transport;
using VaeCluster.Worker.Links;
using Wire = VaeCluster.Protocol.V1;

namespace VaeCluster.Worker.Tests.Links;

/// <summary>A member with a server of its own, its links to the others and its exchange; only the tensors are missing.</summary>
internal sealed class LinkedMember : IAsyncDisposable
{
    public const string Run = "run-1";

    /// <summary>All say that they are on one host; not all share their memory.</summary>
    private const string Host = "host";

    private readonly TransportChannels channels = new(new TransportOptions());
    private readonly ConcurrentQueue<PeerLoss> losses = new();
    private LoopbackServer server = null!;

    private LinkedMember(string id, ExchangeLayout layout, LinkOptions? options, SharedToken? token, bool shares)
    {
        (Id, Dialer) = (id, new PeerDialer(channels, token is null ? null : token.Attach));
        Links = new PeerLinks(id, Dialer, Lose, options);
        Arena = shares ? Links.Share() : null;
        Member = new Member(layout, Links.Cut, Arena);
    }

    public string Id { get; }

    public Member Member { get; }

    /// <summary>Where the others read what it contributes; null where it shares nothing.</summary>
    public IFloatArena? Arena { get; }

    public PeerDialer Dialer { get; }

    public PeerLinks Links { get; }

    public TransportAddress Address => server.Address;

    public PeerLoss[] Losses => [.. losses];

    /// <summary>How many calls came without the token.</summary>
    public int Strangers { get; private set; }

    /// <summary>Streams of segments refused, for whatever reason.</summary>
    public long Refused => Enum.GetValues<StreamRefusal>().Sum(Links.Refused);

    public static async Task<LinkedMember> StartAsync(string id, ExchangeLayout layout, string listen = "http://127.0.0.1:0",
        LinkOptions? options = null, SharedToken? token = null, bool attach = true, bool shares = false)
    {
        var member = new LinkedMember(id, layout, options, token, shares);
        member.server = await LoopbackServer.StartAsync(app =>
        {
            app.UseSharedToken(token, () => member.Strangers++);
            app.MapGrpcService(member.Links.Service);
        }, listen);
        if (attach) member.Links.Attach(Run, member.Member.Exchange);
        return member;
    }

    /// <summary>The plan as this member reads it.</summary>
    public MemberPlan Plan(ulong number, IReadOnlyList<LinkedMember> members, IReadOnlyList<SlotRange> ranges, ulong? firstStep = 0)
    {
        var plan = new Wire.Plan { Generation = new() { Term = 1, Number = number }, Slots = (uint)ranges.Max(range => range.End), Reason = "Test." };
        if (firstStep is { } step) plan.FirstStep = step;
        plan.Members.AddRange(members.Zip(ranges, (member, slots) => new Wire.Member
        {
            WorkerId = member.Id,
            Endpoint = member.Address.ToString(),
            FirstSlot = (uint)slots.Start,
            Slots = (uint)slots.Count,
            BootId = Host,
        }));
        return MemberPlan.Read(plan, Id);
    }

    public void Open(MemberPlan plan, long step) => Member.Open(View(plan), Links.Open(plan), step);

    public void Prepare(MemberPlan plan)
    {
        Assert.True(Member.Exchange.Prepare(View(plan), Links.Open(plan)));
        Member.Held = plan.Generation;
    }

    public void SwitchTo(MemberPlan plan)
    {
        Member.SwitchTo(View(plan));
        Links.CloseBefore(plan.Generation);
    }

    /// <summary>As if the process were killed: its connections break, both ways, and nothing answers any more.</summary>
    public async Task KillAsync()
    {
        server.Cut();
        await Deadline.For(Links.DisposeAsync().AsTask(), $"the links of {Id} to be cut");
        Member.Exchange.End("Killed.");
    }

    public async ValueTask DisposeAsync()
    {
        await Deadline.For(Links.DisposeAsync().AsTask(), $"the links of {Id} to end");
        await server.DisposeAsync();
        channels.Dispose();
    }

    private static PlanView View(MemberPlan plan) => plan.ToView((_, _) => false);

    /// <summary>As a worker does it: nobody waits for a lost peer.</summary>
    private void Lose(PeerLoss loss)
    {
        losses.Enqueue(loss);
        Member.Exchange.End(loss.ToString());
    }
}

/// <summary>Members w0, w1, ... of one layout.</summary>
internal sealed class LinkedCluster : IAsyncDisposable
{
    private readonly DirectoryInfo folder = Directory.CreateTempSubdirectory("vaecluster-links-");

    public List<LinkedMember> Members { get; } = [];

    /// <param name="count">How many.</param>
    /// <param name="layout">The same for all.</param>
    /// <param name="sockets">Unix domain sockets instead of TCP.</param>
    /// <param name="options">Of their links.</param>
    /// <param name="shares">Who offers its memory to the others, by index; nobody where it is not given.</param>
    public static async Task<LinkedCluster> StartAsync(int count, ExchangeLayout layout, bool sockets = false, LinkOptions? options = null,
        Func<int, bool>? shares = null)
    {
        var cluster = new LinkedCluster();
        for (var i = 0; i < count; i++)
        {
            var listen = sockets ? $"unix:{Path.Combine(cluster.folder.FullName, $"w{i}")}" : "http://127.0.0.1:0";
            cluster.Members.Add(await LinkedMember.StartAsync($"w{i}", layout, listen, options, shares: shares?.Invoke(i) ?? false));
        }
        return cluster;
    }

    public static ExchangeLayout Layout(WireFormat format = WireFormat.Fp32) => new()
    {
        Run = LinkedMember.Run,
        Slots = 8,
        Buckets = [20_000, 3000, 100],
        Format = format,
        ExactTail = 10,
        SegmentBytes = 4096,
        QueuedSteps = 100,
    };

    public void Open(ulong number, IReadOnlyList<LinkedMember> members, IReadOnlyList<SlotRange> ranges, long step)
    {
        foreach (var member in members) member.Open(member.Plan(number, members, ranges, (ulong)step), step);
    }

    /// <summary>A training thread for each of the members.</summary>
    public static void RunAll(IReadOnlyList<LinkedMember> members, Action<LinkedMember> train) =>
        Cluster.RunAll([.. members.Select(member => member.Member)], member => train(members.First(linked => linked.Member == member)));

    public async ValueTask DisposeAsync()
    {
        foreach (var member in Members) await member.DisposeAsync();
        folder.Delete(recursive: true);
    }
}
