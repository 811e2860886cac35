using System.Collections.Immutable;
using VaeCluster.Collectives;
using VaeCluster.Coordinator.Membership;
using VaeCluster.Coordinator.Runs;
using VaeCluster.Protocol.Segments;
using Wire = VaeCluster.Protocol.V1;

namespace VaeCluster.Coordinator.Tests;

/// <summary>
/// A coordinator's machine and scripted workers under a virtual clock, without I/O. Checks after each event what must
/// always hold: plans partition the slots, generations grow, and at most one plan can make steps.
/// </summary>
internal sealed class Simulation
{
    private readonly Dictionary<long, ScriptedWorker> streams = [];
    private readonly HashSet<ScriptedWorker> stopped = [];
    private readonly List<(ScriptedWorker Worker, Wire.WorkerMessage Message)> unheard = [];
    private readonly SortedSet<string> partitioned = [];
    private readonly HashSet<(Wire.Generation Plan, string From, string To)> broken = [];

    /// <summary>The planned change that took effect after a plan.</summary>
    private readonly Dictionary<Wire.Generation, Wire.Plan> successors = [];
    private PlanGeneration newestPlan;
    private long lastStream;
    private TimeSpan lastHeartbeat;

    public Simulation(int slots = 8, ulong term = 1, ulong totalSteps = 0, bool mixed = false, Action<CoordinatorOptions>? options = null, TimeSpan now = default)
    {
        options?.Invoke(Options);
        Now = now;
        Machine = new RunMachine(new RunSnapshot
        {
            Run = "run-1",
            Term = term,
            Slots = slots,
            TotalSteps = totalSteps,
            MixedWorkers = mixed,
            AdoptUntil = term > 1 ? now + Options.Lease.Least : null,
        }, Options);
        Handle(new RunEvent.Tick());
    }

    public CoordinatorOptions Options { get; } = new();
    public RunMachine Machine { get; }
    public RunSnapshot Run => Machine.Run;
    public string Reason => Machine.Reason;
    public TimeSpan Now { get; private set; }
    public List<RunEffect> Effects { get; } = [];
    public List<string> Reasons { get; } = [];
    public int Halts => Effects.OfType<RunEffect.Send>().Where(send => send.Message.Halt is not null).Select(send => send.Message.Halt.Generation).Distinct().Count();
    public IEnumerable<ScriptedWorker> Connected => streams.Values;

    public ScriptedWorker Come(string id, Action<ScriptedWorker>? setup = null)
    {
        var worker = new ScriptedWorker(id);
        setup?.Invoke(worker);
        Connect(worker);
        return worker;
    }

    /// <summary>What to do is decided after all that was said at one time, as by a coordinator that is behind.</summary>
    public bool DecidesLate { get; set; }

    /// <summary>Opens a stream for it; an earlier one is cut.</summary>
    public void Connect(ScriptedWorker worker)
    {
        Disconnect(worker);
        streams[++lastStream] = worker;
        Handle(new RunEvent.HelloHeard(lastStream, worker.Hello()));
        Deliver();
    }

    public void Disconnect(ScriptedWorker worker)
    {
        foreach (var stream in streams.Where(entry => entry.Value == worker).Select(entry => entry.Key).ToList())
        {
            streams.Remove(stream);
            Handle(new RunEvent.StreamEnded(stream, worker.Id));
        }
        Deliver();
    }

    /// <summary>SIGKILL.</summary>
    public void Kill(ScriptedWorker worker)
    {
        (worker.Plan, worker.Next, worker.CompletedSteps) = (null, null, null);
        Disconnect(worker);
    }

    /// <summary>SIGSTOP: its stream stays, it neither hears nor speaks.</summary>
    public void Stop(ScriptedWorker worker) => stopped.Add(worker);

    public void Continue(ScriptedWorker worker)
    {
        stopped.Remove(worker);
        Deliver();
    }

    public void Say(ScriptedWorker worker, params Wire.WorkerMessage[] messages)
    {
        unheard.AddRange(messages.Select(message => (worker, message)));
        Deliver();
    }

    /// <summary>Time passes: ticks of 50 ms, and heartbeats of who runs.</summary>
    public void Advance(TimeSpan time)
    {
        for (var end = Now + time; Now < end;)
        {
            Now += TimeSpan.FromMilliseconds(50);
            if (Now - lastHeartbeat >= Options.Lease.HeartbeatInterval)
            {
                lastHeartbeat = Now;
                foreach (var worker in streams.Values.Where(worker => !stopped.Contains(worker)).ToList()) unheard.Add((worker, worker.Heartbeat()));
            }
            Handle(new RunEvent.Tick());
            Deliver();
        }
    }

    public void Advance(double seconds) => Advance(TimeSpan.FromSeconds(seconds));

    /// <summary>
    /// The connection between two members breaks, with the streams of each plan that both have opened: no step of these plans gets
    /// done any more, but by one who had all parts already.
    /// </summary>
    public void Break(ScriptedWorker one, ScriptedWorker other, bool othersAreDone)
    {
        if (othersAreDone && Executable().FirstOrDefault() is { } plan)
        {
            var contributors = Contributors(plan);
            var (before, next) = (contributors.Max(worker => worker.CompletedSteps!.Value), contributors[0].Next);
            var switches = next is not null && contributors.TrueForAll(worker => worker.Next?.Generation.Equals(next.Generation) == true);
            if (switches && contributors.Exists(worker => worker != one && worker != other)) successors[plan.Generation] = next!;
            foreach (var worker in contributors.Where(worker => worker != one && worker != other))
            {
                worker.CompletedSteps = before + 1;
                if (worker.Id == plan.Members[(int)plan.Writer].WorkerId) unheard.Add((worker, worker.Record(before)));
                if (!switches) continue;
                unheard.AddRange(worker.Switch(before + 1).Select(message => (worker, message)));
                if (worker.Part is null) worker.Plan = null;
            }
        }
        foreach (var (worker, peer) in ((ScriptedWorker, ScriptedWorker)[])[(one, other), (other, one)])
        {
            foreach (var opened in ((Wire.Plan?[])[worker.Plan, worker.Next]).OfType<Wire.Plan>())
            {
                if (!HasMember(opened, one) || !HasMember(opened, other)) continue;
                broken.Add((opened.Generation, one.Id, other.Id));
                broken.Add((opened.Generation, other.Id, one.Id));
                unheard.Add((worker, worker.PeerLost(peer.Id, opened)));
            }
        }
        Deliver();

        static bool HasMember(Wire.Plan plan, ScriptedWorker worker) => plan.Members.Any(member => member.WorkerId == worker.Id);
    }

    /// <summary>One step of the plan that can make one, with its records and the switch after it; false where there is none.</summary>
    public bool Step()
    {
        CatchUp();
        if (Executable().FirstOrDefault() is not { } plan) return false;
        var contributors = Contributors(plan);
        // A spare that a contributor does not reach gets no results.
        var members = streams.Values.Where(worker => worker.Plan?.Generation.Equals(plan.Generation) == true && !stopped.Contains(worker)
            && !contributors.Exists(contributor => broken.Contains((plan.Generation, contributor.Id, worker.Id)))).ToList();
        var before = contributors.Max(worker => worker.CompletedSteps!.Value);
        // Who is a step behind (others had its part already, and not it theirs) catches up by copying.
        foreach (var member in members.Where(member => member.CompletedSteps is not null)) member.CompletedSteps = before + 1;
        var writer = members.Find(worker => worker.Id == plan.Members[(int)plan.Writer].WorkerId);
        if (writer is not null) unheard.Add((writer, writer.Record(before)));

        var next = contributors[0].Next;
        if (next is not null && contributors.TrueForAll(worker => worker.Next?.Generation.Equals(next.Generation) == true))
        {
            successors[plan.Generation] = next;
            foreach (var worker in members.Where(worker => worker.Next?.Generation.Equals(next.Generation) == true))
            {
                var outside = next.Members.All(member => member.WorkerId != worker.Id);
                foreach (var message in worker.Switch(before + 1)) unheard.Add((worker, message));
                if (outside) worker.Plan = null;
            }
            var copied = streams.Values.Where(worker => worker.Plan?.Generation.Equals(next.Generation) == true && worker.CompletedSteps is null && !stopped.Contains(worker));
            foreach (var newcomer in copied)
            {
                newcomer.CompletedSteps = before + 1;
                unheard.Add((newcomer, newcomer.Heartbeat()));
                unheard.Add((newcomer, newcomer.Ready()));
            }
        }
        Deliver();
        Handle(new RunEvent.Recorded(Run.NextRecord ?? 0));
        Deliver();
        return true;
    }

    /// <summary>Plans of which every contributor is here and works under it.</summary>
    private IEnumerable<Wire.Plan> Executable() => streams.Values
        .Where(worker => worker.Plan is not null)
        .DistinctBy(worker => worker.Plan!.Generation)
        .Select(worker => worker.Plan!)
        .Where(plan => plan.Members.Where(member => member.Slots > 0).All(member => streams.Values.Any(worker =>
            worker.Id == member.WorkerId && !stopped.Contains(worker) && worker.CompletedSteps is not null && worker.Plan?.Generation.Equals(plan.Generation) == true)))
        .Where(plan => !Contributors(plan).Exists(one => Contributors(plan).Exists(other => broken.Contains((plan.Generation, one.Id, other.Id)))));

    /// <summary>Who was behind reads what the others have sent it.</summary>
    private void CatchUp()
    {
        foreach (var worker in streams.Values.Where(worker => !stopped.Contains(worker)).ToList())
        {
            while (worker.Plan is { } plan && successors.TryGetValue(plan.Generation, out var next)
                && !plan.Members.Any(member => member.Slots > 0 && broken.Contains((plan.Generation, member.WorkerId, worker.Id))))
            {
                unheard.AddRange(worker.Follow(next).Select(message => (worker, message)));
            }
        }
        Deliver();
    }

    private List<ScriptedWorker> Contributors(Wire.Plan plan) =>
        [.. streams.Values.Where(worker => worker.Plan?.Generation.Equals(plan.Generation) == true && !stopped.Contains(worker) && worker.Part!.Slots > 0)];

    private void Handle(RunEvent happened, bool moreFollows = false)
    {
        var effects = Machine.Handle(happened, Now, moreFollows);
        Effects.AddRange(effects);
        if (Reasons.LastOrDefault() != Machine.Reason) Reasons.Add(Machine.Reason);
        foreach (var send in effects.OfType<RunEffect.Send>().Where(send => send.Message.Plan is not null)) Check(send.Message.Plan);
        foreach (var send in effects.OfType<RunEffect.Send>()) Send(send);
        closing.UnionWith(effects.OfType<RunEffect.Close>().Select(close => close.Stream));
    }

    private readonly List<(long Stream, Wire.CoordinatorMessage Message)> sent = [];
    private readonly HashSet<long> closing = [];

    private void Send(RunEffect.Send send) => sent.Add((send.Stream, send.Message.Clone()));

    private void Deliver()
    {
        while (true)
        {
            var readable = sent.FindIndex(entry => streams.TryGetValue(entry.Stream, out var worker) && !stopped.Contains(worker));
            if (readable >= 0)
            {
                var (stream, message) = sent[readable];
                sent.RemoveAt(readable);
                var worker = streams[stream];
                foreach (var answer in worker.Hear(message)) unheard.Add((worker, answer));
                continue;
            }
            foreach (var stream in closing) streams.Remove(stream);
            closing.Clear();
            var speaks = unheard.FindIndex(entry => !stopped.Contains(entry.Worker));
            if (speaks < 0) break;
            var (speaker, said) = unheard[speaks];
            unheard.RemoveAt(speaks);
            foreach (var stream in streams.Where(entry => entry.Value == speaker).Select(entry => entry.Key).ToList())
                Handle(new RunEvent.MessageHeard(stream, speaker.Id, said), moreFollows: DecidesLate && unheard.Exists(entry => !stopped.Contains(entry.Worker)));
        }
        // While a restarted coordinator listens, workers may be where the last one left them.
        if (Run.AdoptUntil is not null) return;
        Assert.True(Executable().Count() <= 1, $"{Executable().Count()} plans can make steps at once: {Reason}");
    }

    private void Check(Wire.Plan plan)
    {
        var generation = new PlanGeneration(plan.Generation.Term, plan.Generation.Number);
        if (!partitioned.Add(generation.ToString())) return;
        if (generation.Term == Run.Term)
        {
            Assert.True(generation > newestPlan, $"Plan {generation} comes after {newestPlan}.");
            newestPlan = generation;
        }
        var ranges = plan.Members.Where(member => member.Slots > 0).Select(member => new SlotRange((int)member.FirstSlot, (int)(member.FirstSlot + member.Slots))).ToImmutableArray();
        Assert.Equal(0, ranges[0].Start);
        Assert.Equal(Run.Slots, ranges[^1].End);
        Assert.All(ranges.Zip(ranges.Skip(1)), pair => Assert.Equal(pair.First.End, pair.Second.Start));
        Assert.All(plan.Members.Take(ranges.Length), member => Assert.True(member.Slots > 0, "Contributors come first."));
        Assert.Equal(plan.Members.Count, plan.Members.DistinctBy(member => member.WorkerId).Count());
        Assert.NotEmpty(plan.Sources);
        Assert.All(plan.Sources, rank => Assert.False(plan.Members[(int)rank].CopiesState));
        Assert.EndsWith(".", plan.Reason);
    }
}
