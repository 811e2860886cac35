using Grpc.Core;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using VaeCluster.Collectives;
using VaeCluster.Protocol.Transport;
using VaeCluster.Worker.Links.Shared;

namespace VaeCluster.Worker.Links;

/// <summary>
/// The data path to all other members, both ways. A connection per peer lives as long as plans name it at the same
/// endpoint; each plan has streams of its own on it.
/// <code>
/// app.MapGrpcService(links.Service)      when the host starts: streams wait until there is something to judge them by
/// links.Attach(run, exchange)            once run and model are known
/// exchange.Open(view, links.Open(plan), step) or exchange.Prepare(view, links.Open(plan))
/// links.CloseBefore(generation)          when a plan is in force: older ones send what they have queued, and end
/// </code>
/// </summary>
public sealed class PeerLinks : IAsyncDisposable
{
    private readonly Lock gate = new();
    private readonly string workerId;
    private readonly PeerDialer dialer;
    private readonly Action<PeerLoss> lost;
    private readonly LinkOptions options;
    private readonly TimeProvider time;
    private readonly ILogger logger;
    private readonly SegmentReceiver receiver;
    private readonly Dictionary<Generation, OpenPlan> open = [];
    private readonly Dictionary<(string WorkerId, TransportAddress Endpoint), PeerChannel> channels = [];

    /// <summary>Connections to peers that were lost: whoever comes back under that name comes back on a new one.</summary>
    private readonly List<PeerChannel> retired = [];
    private readonly List<Task> closing = [];
    private readonly Dictionary<Generation, GrpcSegmentLink?[]> closingLinks = [];
    private int plansClosing;
    private string? run;
    private SharedLinks? shared;
    private long bytesSharedBefore;

    /// <param name="workerId">Who we are.</param>
    /// <param name="dialer">How others are reached.</param>
    /// <param name="lost">
    /// Called at once, on any thread, once per plan and member, not for plans closed before. Must not block; it may end the exchange.
    /// </param>
    /// <param name="options">Null for the defaults.</param>
    /// <param name="time">Null for the system's.</param>
    /// <param name="logs">Null for none.</param>
    public PeerLinks(string workerId, PeerDialer dialer, Action<PeerLoss> lost, LinkOptions? options = null, TimeProvider? time = null, ILoggerFactory? logs = null)
    {
        (this.workerId, this.dialer, this.lost) = (workerId, dialer, lost);
        this.options = options ?? new LinkOptions();
        this.time = time ?? TimeProvider.System;
        logger = logs?.CreateLogger<PeerLinks>() ?? NullLogger<PeerLinks>.Instance;
        receiver = new SegmentReceiver(this.options, PlanOf, Lose, logger);
    }

    /// <summary>The receiving service, for MapGrpcService.</summary>
    public ServerServiceDefinition Service => receiver.Service;

    /// <summary>
    /// Called once at most, before the exchange is made: memory that members on this host exchange through, where there is such
    /// memory. What is to be exchanged so has to lie in it. Without this call everything goes by gRPC.
    /// </summary>
    /// <returns>Null where this machine gives none.</returns>
    public IFloatArena? Share()
    {
        var made = SharedLinks.TryCreate(options.MostSharedBytes, logger);
        lock (gate) shared = made;
        return made?.Arena;
    }

    /// <summary>Called once: from now on streams of this run are taken.</summary>
    public void Attach(string run, Exchange exchange)
    {
        lock (gate) this.run = run;
        receiver.Attach(run, exchange, shared);
    }

    /// <summary>Of what was sent, in bytes: what peers read in shared memory.</summary>
    public long BytesShared
    {
        get
        {
            lock (gate)
            {
                var links = open.Values.Select(plan => plan.Links).Concat(closingLinks.Values).SelectMany(links => links);
                return bytesSharedBefore + links.Sum(link => link?.BytesShared ?? 0);
            }
        }
    }

    /// <summary>
    /// Opens a stream to each other member, without waiting for any, and lets theirs in. By rank, null at the own one.
    /// </summary>
    public IReadOnlyList<ISegmentLink?> Open(MemberPlan plan)
    {
        ArgumentNullException.ThrowIfNull(plan);
        if (!plan.IsMember) throw new ArgumentException($"{workerId} is no member of plan {plan.Generation}.", nameof(plan));
        lock (gate)
        {
            var id = run ?? throw new InvalidOperationException("No run is attached.");
            var identity = new StreamIdentity(id, plan.Generation, workerId, plan.Rank);
            var opened = new OpenPlan(plan, new GrpcSegmentLink?[plan.Members.Count]);
            open.Add(plan.Generation, opened);
            for (var rank = 0; rank < plan.Members.Count; rank++)
            {
                if (rank == plan.Rank) continue;
                var peer = rank;
                opened.Links[rank] = new GrpcSegmentLink(Channel(plan.Members[rank]).Invoker, identity, reason => Lose(plan.Generation, peer, reason),
                    plan.SharesHost(rank) ? shared?.Offer() : null, (ring, answer) => shared!.TryOpen(ring, answer, plan.Members[peer].WorkerId));
            }
            LinkLog.Opened(logger, plan, plan.Members.Count - 1);
            return opened.Links;
        }
    }

    /// <summary>
    /// Ends what belongs to older plans: each link sends what it has queued (nothing, after Exchange.End), then closes; the
    /// peers' streams are given time to do the same. Connections that no open plan uses end with them. Does not wait.
    /// </summary>
    public void CloseBefore(Generation generation)
    {
        lock (gate)
        {
            closing.RemoveAll(task => task.IsCompleted);
            foreach (var plan in open.Values.Where(plan => plan.Plan.Generation < generation).ToList())
            {
                open.Remove(plan.Plan.Generation);
                plansClosing++;
                closingLinks[plan.Plan.Generation] = plan.Links;
                closing.Add(CloseAsync(plan.Plan.Generation, plan.Links));
            }
        }
        receiver.CloseBefore(generation);
    }

    /// <summary>Cuts the stream to a member that nothing more is sent to: it notices, and comes back as another.</summary>
    public void Cut(Generation generation, int rank)
    {
        lock (gate) (open.GetValueOrDefault(generation)?.Links ?? closingLinks.GetValueOrDefault(generation))?[rank]?.Cut();
    }

    /// <summary>Waits until the links of all plans that were closed have sent what they had queued, or their grace is over.</summary>
    public Task DrainAsync()
    {
        lock (gate) return Task.WhenAll(closing);
    }

    /// <summary>Streams refused, by reason, since the beginning. Segments are counted by the exchange.</summary>
    public long Refused(StreamRefusal reason) => receiver.Refused(reason);

    public async ValueTask DisposeAsync()
    {
        List<Task> all;
        lock (gate)
        {
            foreach (var link in open.Values.SelectMany(plan => plan.Links)) link?.Cut();
            open.Clear();
            all = [.. closing];
        }
        receiver.Dispose();
        await Task.WhenAll(all).ConfigureAwait(false);
        shared?.Dispose();
        lock (gate)
        {
            foreach (var channel in channels.Values.Concat(retired)) channel.Dispose();
            channels.Clear();
            retired.Clear();
        }
    }

    private async Task CloseAsync(Generation generation, GrpcSegmentLink?[] links)
    {
        await Task.WhenAll(links.OfType<GrpcSegmentLink>().Select(link => link.CloseAsync(options.CloseGrace, time))).ConfigureAwait(false);
        lock (gate)
        {
            closingLinks.Remove(generation);
            shared?.LetGo();
            bytesSharedBefore += links.Sum(link => link?.BytesShared ?? 0);
            // What a newer plan needs stays; so does what another closing plan may still be using.
            if (--plansClosing > 0) return;
            foreach (var channel in retired) channel.Dispose();
            retired.Clear();
            var used = open.Values.SelectMany(plan => plan.Plan.Members).Select(member => (member.WorkerId, member.Endpoint)).ToHashSet();
            foreach (var unused in channels.Keys.Where(key => !used.Contains(key)).ToList())
            {
                channels.Remove(unused, out var channel);
                channel!.Dispose();
            }
        }
    }

    /// <summary>Under the lock.</summary>
    private PeerChannel Channel(PlanMember member)
    {
        var key = (member.WorkerId, member.Endpoint);
        if (!channels.TryGetValue(key, out var channel)) channels[key] = channel = dialer.Dial(member.Endpoint);
        return channel;
    }

    private MemberPlan? PlanOf(Generation generation)
    {
        lock (gate) return open.GetValueOrDefault(generation)?.Plan;
    }

    private void Lose(Generation generation, int rank, string reason)
    {
        PeerLoss loss;
        lock (gate)
        {
            if (!open.TryGetValue(generation, out var plan) || !plan.Lost.Add(rank)) return;
            var member = plan.Plan.Members[rank];
            loss = new PeerLoss(member.WorkerId, rank, generation, reason);
            if (channels.Remove((member.WorkerId, member.Endpoint), out var channel)) retired.Add(channel);
        }
        LinkLog.PeerLost(logger, loss);
        lost(loss);
    }

    private sealed record OpenPlan(MemberPlan Plan, GrpcSegmentLink?[] Links)
    {
        public HashSet<int> Lost { get; } = [];
    }
}
