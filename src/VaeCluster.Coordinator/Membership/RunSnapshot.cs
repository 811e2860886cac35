using System.Collections.Immutable;
using VaeCluster.Coordinator.Plans;
using VaeCluster.Protocol.Segments;
using Wire = VaeCluster.Protocol.V1;

namespace VaeCluster.Coordinator.Membership;

/// <summary>Everything that decisions depend on, at one moment. Times are the coordinator's, since it started.</summary>
public sealed record RunSnapshot
{
    public required string Run { get; init; }
    public required ulong Term { get; init; }
    public required int Slots { get; init; }

    /// <summary>YAML, every value resolved: what workers are handed.</summary>
    public string Config { get; init; } = "";

    /// <summary>Where the run is kept, as the coordinator sees it.</summary>
    public string Folder { get; init; } = "";

    /// <summary>Workers that compute other bits are taken.</summary>
    public bool MixedWorkers { get; init; }

    /// <summary>0 while nobody has told.</summary>
    public ulong TotalSteps { get; init; }

    public string ManifestId { get; init; } = "";

    /// <summary>What the run's bits depend on; null before the first worker.</summary>
    public ImmutableSortedDictionary<string, string>? Fingerprint { get; init; }

    public ImmutableSortedDictionary<string, WorkerSnapshot> Workers { get; init; } =
        ImmutableSortedDictionary.Create<string, WorkerSnapshot>(StringComparer.Ordinal);

    /// <summary>In force; during a halt, the one that was.</summary>
    public Plan? Plan { get; init; }

    /// <summary>When it came into force.</summary>
    public TimeSpan PlanSince { get; init; }

    /// <summary>A planned change that is sent and not switched to.</summary>
    public Plan? Next { get; init; }

    public HaltSnapshot? Halt { get; init; }

    /// <summary>Newest number given to a plan or a halt in this term.</summary>
    public ulong Number { get; init; }

    /// <summary>Broken links between members of the plan in force.</summary>
    public ImmutableList<PeerReport> Reports { get; init; } = [];

    public HashVotes Votes { get; init; } = HashVotes.None;

    /// <summary>What members say the gradient of a slot is that several have computed.</summary>
    public HashVotes SlotVotes { get; init; } = HashVotes.None;

    /// <summary>Why all have to go back to a checkpoint; null where they need not.</summary>
    public string? GoBack { get; init; }

    /// <summary>Who failed at which slot, with what.</summary>
    public ImmutableList<SlotFailure> SlotFailures { get; init; } = [];

    /// <summary>Highest state that a member has told.</summary>
    public ulong CompletedSteps { get; init; }

    /// <summary>The step that the journal wants next; null where any will do.</summary>
    public ulong? NextRecord { get; init; }

    /// <summary>Steps before this one are safe in the journal.</summary>
    public ulong RecordedSteps { get; init; }

    /// <summary>The last ones that this coordinator was told of, newest first.</summary>
    public ImmutableList<Wire.CheckpointWritten> Checkpoints { get; init; } = [];

    /// <summary>When it was told of the newest; 0 before that.</summary>
    public TimeSpan CheckpointedAt { get; init; }

    /// <summary>After a restart: how long workers have to come back before their plan is judged; null when that is over.</summary>
    public TimeSpan? AdoptUntil { get; init; }

    /// <summary>The newest plan that workers have told to work under, and the one they heard of, while these can be adopted.</summary>
    public Plan? ToldPlan { get; init; }

    public Plan? ToldNext { get; init; }

    public Wire.Finish? Finished { get; init; }

    public PlanGeneration NextGeneration => new(Term, Number + 1);

    public WorkerSnapshot? Find(string worker) => Workers.GetValueOrDefault(worker);

    public RunSnapshot With(WorkerSnapshot worker)
    {
        ArgumentNullException.ThrowIfNull(worker);
        return this with { Workers = Workers.SetItem(worker.Id, worker) };
    }
}

/// <param name="Slot">Which.</param>
/// <param name="Worker">Who computed it.</param>
/// <param name="Step">In which step.</param>
/// <param name="Error">One sentence.</param>
/// <param name="EndsRun">It would fail on every worker.</param>
public sealed record SlotFailure(int Slot, string Worker, ulong Step, string Error, bool EndsRun = false);
