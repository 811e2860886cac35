using Google.Protobuf;
using VaeCluster.Protocol.V1;

namespace VaeCluster.Coordinator.Tests;

/// <summary>
/// A worker without training: answers the coordinator as a real one has to. Everything is loaded, copied and restored at
/// once; steps are taken by whoever drives it.
/// </summary>
internal sealed class ScriptedWorker(string id, string endpoint = "http://127.0.0.1:1")
{
    private ulong sequence;

    public string Id => id;
    public string Instance { get; set; } = Guid.NewGuid().ToString("N")[..8];
    public string Endpoint => endpoint;
    public Dictionary<string, string> Fingerprint { get; } = new() { ["device"] = "cpu", ["libtorch"] = "1.13" };
    public string ManifestId { get; set; } = "manifest-1";
    public ulong TotalSteps { get; set; } = 1000;
    public uint MostSlots { get; set; }
    public double SlotSeconds { get; set; } = 0.01;

    /// <summary>False: it never gets ready by itself.</summary>
    public bool Loads { get; set; } = true;

    /// <summary>False: it never answers a Halt.</summary>
    public bool Halts { get; set; } = true;

    /// <summary>Steps of the newest checkpoint, as it sees the storage.</summary>
    public ulong Checkpoint { get; set; }

    public string Run { get; private set; } = "";
    public Generation Newest { get; private set; } = new();
    public bool IsReady { get; private set; }
    public ulong? CompletedSteps { get; set; }
    public Plan? Plan { get; set; }
    public Plan? Next { get; set; }
    public Welcome? Welcome { get; private set; }
    public Finish? Finish { get; private set; }
    public Refused? Refused { get; private set; }
    public ulong AcknowledgedBefore { get; private set; }
    public int Halteds { get; private set; }
    public int Restores { get; private set; }

    public Member? Part => Plan?.Members.FirstOrDefault(member => member.WorkerId == Id);

    public WorkerMessage Hello()
    {
        var hello = new Hello
        {
            WorkerId = Id,
            Instance = Instance,
            Endpoint = Endpoint,
            MostSlots = MostSlots,
            Host = "test",
            ProcessId = 1,
            BootId = "boot",
            Plan = Plan,
            NextPlan = Next,
            Ready = IsReady ? ReadyContent() : null,
        };
        if (CompletedSteps is { } steps) hello.CompletedSteps = steps;
        return Message(message => message.Hello = hello);
    }

    public WorkerMessage Ready()
    {
        IsReady = true;
        return Message(message => message.Ready = ReadyContent());
    }

    public WorkerMessage Heartbeat()
    {
        var heartbeat = new Heartbeat
        {
            Sequence = ++sequence,
            Generation = Plan?.Generation,
            SlotSeconds = Part?.Slots > 0 ? SlotSeconds : 0,
            ImagesPerSecond = 100,
            Losses = new() { Loss = 1.5 },
            StepTime = new() { Whole = 0.1 },
        };
        if (CompletedSteps is { } steps) heartbeat.CompletedSteps = steps;
        return Message(message => message.Heartbeat = heartbeat);
    }

    public WorkerMessage PeerLost(string worker) => PeerLost(worker, Plan ?? new Plan { Generation = new() });

    public WorkerMessage PeerLost(string worker, Plan plan) => Message(message => message.PeerLost = new()
    {
        WorkerId = worker,
        Generation = plan.Generation,
        Reason = "The stream broke.",
    });

    public WorkerMessage SlotFailed(uint slot, string error) =>
        Message(message => message.SlotFailed = new() { Step = CompletedSteps ?? 0, Slot = slot, Error = error });

    public WorkerMessage Goodbye(Goodbye.Types.Kind kind) => Message(message => message.Goodbye = new() { Kind = kind, Reason = "SIGTERM." });

    public WorkerMessage StateHash(byte fill) => Message(message => message.StateHash = new()
    {
        CompletedSteps = CompletedSteps!.Value,
        Sha256 = ByteString.CopyFrom(Enumerable.Repeat(fill, 32).ToArray()),
    });

    public WorkerMessage SlotHash(uint slot, byte fill) => Message(message => message.SlotHash = new()
    {
        Step = CompletedSteps!.Value - 1,
        Slot = slot,
        Generation = Plan!.Generation,
        Sha256 = ByteString.CopyFrom(Enumerable.Repeat(fill, 32).ToArray()),
    });

    public WorkerMessage Record(ulong step, uint samples = 8, ulong epochSamples = 80) => Message(message => message.StepRecords = new()
    {
        Oldest = true,
        Records =
        {
            new StepRecord
            {
                Step = step, Generation = Plan!.Generation, Epoch = step * samples / epochSamples, FirstPosition = step * samples % epochSamples,
                Samples = samples, Losses = new() { Loss = 1.0 / (step + 1) },
            },
        },
    });

    /// <summary>A spare that was behind has read the results up to a planned change; a newer one may have come as well.</summary>
    public IEnumerable<WorkerMessage> Follow(Plan next)
    {
        Plan = next.Members.Any(member => member.WorkerId == Id) ? next : null;
        if (next.Generation.Equals(Next?.Generation)) Next = null;
        return [Heartbeat()];
    }

    /// <summary>The planned change takes effect after a step.</summary>
    public IEnumerable<WorkerMessage> Switch(ulong completedSteps)
    {
        (Plan, Next) = (Next, null);
        if (Part is not { CopiesState: true }) return [Heartbeat()];
        CompletedSteps = completedSteps;
        return [Heartbeat(), Ready()];
    }

    public IReadOnlyList<WorkerMessage> Hear(CoordinatorMessage heard)
    {
        switch (heard.ContentCase)
        {
            case CoordinatorMessage.ContentOneofCase.Welcome:
                (Welcome, Run) = (heard.Welcome, heard.Welcome.Run);
                return Loads && !IsReady ? [Ready()] : [];
            case CoordinatorMessage.ContentOneofCase.Restore:
                Restores++;
                CompletedSteps = Checkpoint;
                return [Ready()];
            case CoordinatorMessage.ContentOneofCase.Plan when IsNew(heard.Plan.Generation) || IsLate(heard.Plan):
                Newest = heard.Plan.Generation;
                return Take(heard.Plan);
            case CoordinatorMessage.ContentOneofCase.Halt when IsNew(heard.Halt.Generation):
                (Newest, Plan, Next) = (heard.Halt.Generation, null, null);
                Halteds++;
                return Halts ? [Halted(heard.Halt.Generation)] : [];
            case CoordinatorMessage.ContentOneofCase.Finish:
                Finish = heard.Finish;
                return [];
            case CoordinatorMessage.ContentOneofCase.Refused:
                Refused = heard.Refused;
                return [];
            case CoordinatorMessage.ContentOneofCase.RecordsAcknowledged:
                AcknowledgedBefore = heard.RecordsAcknowledged.BeforeStep;
                return [];
            default:
                return [];
        }
    }

    public WorkerMessage Halted(Generation generation)
    {
        var halted = new Halted { Generation = generation };
        if (CompletedSteps is { } steps) halted.CompletedSteps = steps;
        return Message(message => message.Halted = halted);
    }

    private List<WorkerMessage> Take(Plan plan)
    {
        var part = plan.Members.FirstOrDefault(member => member.WorkerId == Id);
        if (!plan.HasFirstStep)
        {
            // A newcomer takes it up at once, and copies the state when the others have switched.
            if (Plan is null && part is { Slots: 0 })
            {
                (Plan, CompletedSteps) = (plan, null);
                return [Heartbeat()];
            }
            // A spare that is out does not wait for a step that may never reach it.
            if (Part is { Slots: 0 } && part is null && Next is null)
            {
                Plan = null;
                return [Heartbeat()];
            }
            Next = plan;
            return [];
        }
        (Plan, Next) = (part is null ? null : plan, null);
        if (part is null) return [];
        if (!part.CopiesState && CompletedSteps >= plan.FirstStep) return [Heartbeat()];
        CompletedSteps = plan.FirstStep;
        return part.Slots > 0 ? [Heartbeat()] : [Heartbeat(), Ready()];
    }

    // The halt and the plan that follows it have the same generation.
    private bool IsNew(Generation generation) => (generation.Term, generation.Number).CompareTo((Newest.Term, Newest.Number)) > 0
        || (Plan is null && generation.Equals(Newest));

    // It waited to switch, and others have.
    private bool IsLate(Plan plan) => plan.HasFirstStep && plan.Generation.Equals(Next?.Generation);

    private Ready ReadyContent()
    {
        var ready = new Ready { ManifestId = ManifestId, TotalSteps = TotalSteps };
        ready.Fingerprint.Add(Fingerprint);
        if (CompletedSteps is { } steps) ready.CompletedSteps = steps;
        return ready;
    }

    public WorkerMessage Message(Action<WorkerMessage> content)
    {
        var message = new WorkerMessage { Run = Run, KnownGeneration = Newest };
        content(message);
        return message;
    }
}
