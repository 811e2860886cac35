using System.Collections.Concurrent;
using System.Diagnostics;
using System.Runtime.CompilerServices;
using Google.Protobuf;
using VaeCluster.Protocol.Plans;
using VaeCluster.Protocol.Transport;
using VaeCluster.Protocol.V1;

namespace Benchmarks;

/// <summary>Clients that answer a coordinator as workers have to, and what they have measured. Any thread.</summary>
internal sealed class LightFleet : IAsyncDisposable
{
    private static readonly TimeSpan StepTime = TimeSpan.FromMilliseconds(50);
    private static readonly EqualityComparer<Plan> SamePlan = EqualityComparer<Plan>.Create((a, b) => Equals(a, b), plan => plan.Generation.GetHashCode());

    private readonly TransportChannels channels = new(new TransportOptions());
    private readonly TransportAddress address;
    private readonly ConcurrentDictionary<int, LightClient> clients = new();
    private readonly ConcurrentDictionary<ulong, Plan> plans = new();
    private readonly ConcurrentDictionary<ulong, long> halted = new();
    private readonly ConditionalWeakTable<Plan, Dictionary<string, Member>> parts = [];
    private readonly ConcurrentBag<Task> leaving = [];
    private readonly CancellationTokenSource ending = new();
    private readonly Task stepping;
    private ConcurrentBag<double> heartbeats = [], plansAfterHalt = [], halts = [];
    private int added;
    private long cut;

    public LightFleet(TransportAddress address, ulong totalSteps)
    {
        (this.address, TotalSteps) = (address, totalSteps);
        stepping = StepAsync();
    }

    public ulong TotalSteps { get; }

    public int Members => clients.Values.Count(client => client.Plan is not null);

    public void Add()
    {
        var number = Interlocked.Increment(ref added);
        clients[number] = new LightClient($"c{number}", channels.Connect(address), this, ending.Token);
    }

    /// <summary>One of them is gone without a word; if it contributed, those that exchanged with it say so.</summary>
    public void Cut(Random random)
    {
        var keys = clients.Keys.ToArray();
        if (!clients.TryRemove(keys[random.Next(keys.Length)], out var victim)) return;
        var plan = victim.Plan;
        var contributed = plan is not null && PartOf(plan, victim.Id) is { Slots: > 0 };
        if (contributed) Volatile.Write(ref cut, Stopwatch.GetTimestamp());
        leaving.Add(victim.DisposeAsync().AsTask());
        if (!contributed) return;
        var others = plan!.Members.Where(member => member.Slots > 0 && member.WorkerId != victim.Id).Select(member => member.WorkerId).ToHashSet();
        foreach (var client in clients.Values.Where(client => others.Contains(client.Id) && plan.Equals(client.Plan)))
            client.Send(new WorkerMessage { PeerLost = new() { WorkerId = victim.Id, Generation = plan.Generation, Reason = "The stream broke." } });
    }

    public void Forget() => (heartbeats, plansAfterHalt, halts) = ([], [], []);

    public void Print(string what)
    {
        Console.WriteLine($"{what}: {heartbeats.Count} heartbeats answered");
        Show("heartbeat", heartbeats, 100);
        Show("halt", halts, 0);
        Show("plan after a halt", plansAfterHalt, 100);

        static void Show(string name, ConcurrentBag<double> values, int wanted)
        {
            if (values.IsEmpty) return;
            var figures = new Figures(values);
            Console.WriteLine($"  {name,-18} ms: median {figures.Median:F1}, 99 % {figures.Quantile(0.99):F1}, most {figures.Maximum:F1}{(wanted > 0 ? $" (wanted at 99 %: {wanted})" : "")}");
        }
    }

    public void HeartbeatHeard(long due) => heartbeats.Add(Stopwatch.GetElapsedTime(due).TotalMilliseconds);

    public void HaltHeard()
    {
        if (Volatile.Read(ref cut) is var at and > 0) halts.Add(Stopwatch.GetElapsedTime(at).TotalMilliseconds);
    }

    public void HaltedSent(ulong number) => halted[number] = Stopwatch.GetTimestamp();

    public void PlanHeard(Plan plan)
    {
        if (!plan.HasFirstStep || !halted.TryGetValue(plan.Generation.Number, out var at)) return;
        plansAfterHalt.Add(Stopwatch.GetElapsedTime(at).TotalMilliseconds);
        // The cut before that halt is dealt with; one since then is not.
        if (Volatile.Read(ref cut) is var before && before < at) Interlocked.CompareExchange(ref cut, 0, before);
    }

    public Member? PartOf(Plan plan, string id) => parts.GetValue(plan, all => all.Members.ToDictionary(member => member.WorkerId)).GetValueOrDefault(id);

    /// <summary>A plan is read once for all: a thousand clients in one process are not to cost a thousand times as much as theirs would.</summary>
    /// <param name="bytes">A message.</param>
    /// <param name="told">The plan before on this stream; the one that was read, after it.</param>
    public CoordinatorMessage Read(byte[] bytes, ref Plan? told)
    {
        if (bytes.Length < 1024) return Small(bytes, ref told);
        var input = new CodedInputStream(bytes);
        var head = new CoordinatorMessage();
        while (input.ReadTag() is var tag and not 0)
        {
            switch (Google.Protobuf.WireFormat.GetTagFieldNumber(tag))
            {
                case CoordinatorMessage.RunFieldNumber:
                    head.Run = input.ReadString();
                    break;
                case CoordinatorMessage.PlanFieldNumber:
                    var length = input.ReadLength();
                    var at = input.Position;
                    // The plan begins with its generation, and its first step where it has one: equal beginnings are equal plans.
                    var key = KeyOf(bytes.AsSpan((int)at, Math.Min(length, 32)));
                    if (!plans.TryGetValue(key, out var plan)) plan = plans.GetOrAdd(key, Complete(Plan.Parser.ParseFrom(bytes.AsSpan((int)at, length)), told));
                    head.Plan = told = plan;
                    return head;
                default:
                    input.SkipLastField();
                    break;
            }
        }
        return Small(bytes, ref told);
    }

    private static CoordinatorMessage Small(byte[] bytes, ref Plan? told)
    {
        var message = CoordinatorMessage.Parser.ParseFrom(bytes);
        if (message.Plan is not null) message.Plan = told = Complete(message.Plan, told);
        return message;
    }

    private static Plan Complete(Plan plan, Plan? before) => PlanNames.TryComplete(plan, before, out var complete)
        ? complete
        : throw new InvalidDataException($"Plan {plan.Generation.Number} points to a member that was not named.");

    public async ValueTask DisposeAsync()
    {
        await ending.CancelAsync();
        await stepping;
        await Task.WhenAll(leaving.Concat(clients.Values.Select(client => client.DisposeAsync().AsTask())));
        channels.Dispose();
        ending.Dispose();
    }

    private static ulong KeyOf(ReadOnlySpan<byte> beginning)
    {
        var hash = 14695981039346656037UL; // FNV-1a
        foreach (var value in beginning) hash = (hash ^ value) * 1099511628211UL;
        return hash;
    }

    /// <summary>Steps: whoever contributes switches to a plan after one in which all contributors held it, and spares follow.</summary>
    private async Task StepAsync()
    {
        while (!ending.IsCancellationRequested)
        {
            await Task.Delay(StepTime, ending.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            var alive = clients.Values.ToDictionary(client => client.Id);
            foreach (var group in alive.Values.Select(client => (Client: client, client.Plan)).Where(known => known.Plan is not null).GroupBy(known => known.Plan!, known => known.Client, SamePlan))
            {
                var computing = group.Key.Members.Where(member => member.Slots > 0).Select(member => alive.GetValueOrDefault(member.WorkerId)).ToList();
                if (computing.Exists(client => client is null || !group.Key.Equals(client.Plan))) continue;
                var held = computing[0]!.Next;
                var switches = held is not null && computing.TrueForAll(client => held.Equals(client!.Next));
                foreach (var client in group) client.Step(switches ? held : null);
            }
        }
    }
}
