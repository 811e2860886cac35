using VaeCluster.Protocol.Segments;
using Wire = VaeCluster.Protocol.V1;

namespace VaeCluster.Coordinator.Membership;

/// <summary>What is known of a worker. Times are the coordinator's, since it started.</summary>
public sealed record WorkerSnapshot
{
    public required string Id { get; init; }

    /// <summary>Differs from process to process.</summary>
    public required string Instance { get; init; }

    public required string Endpoint { get; init; }
    public string BootId { get; init; } = "";
    public string Host { get; init; } = "";
    public uint ProcessId { get; init; }

    /// <summary>Most slots that it can compute; 0 for any number.</summary>
    public int MostSlots { get; init; }

    /// <summary>Plans up to this one were made for another process of the same name.</summary>
    public PlanGeneration After { get; init; }

    /// <summary>Counts workers as they come, to order them.</summary>
    public required long Arrival { get; init; }

    /// <summary>Its stream; null while it has none.</summary>
    public long? Stream { get; init; }

    /// <summary>When it was last heard, or allowed for after a pause of our own; without a stream, when that broke.</summary>
    public required TimeSpan LastHeard { get; init; }

    public TimeSpan? LastHeartbeat { get; init; }

    public required Lease Lease { get; init; }

    /// <summary>Data and model are loaded.</summary>
    public bool IsReady { get; init; }

    /// <summary>Since when it could be planned in.</summary>
    public TimeSpan AvailableSince { get; init; }

    /// <summary>The state that it holds, by its own word; null where it holds none that counts.</summary>
    public ulong? CompletedSteps { get; init; }

    /// <summary>It follows the plan in force: what the plan needs of state, it holds. Others get no slots.</summary>
    public bool IsSynced { get; init; }

    /// <summary>What it holds differs from what most hold; nothing that it tells of its state counts until it has copied one.</summary>
    public bool IsDistrusted { get; init; }

    /// <summary>It was told to load a checkpoint.</summary>
    public bool IsRestoring { get; init; }

    public bool IsLeaving { get; init; }

    /// <summary>The plan that it works under, by its own word.</summary>
    public PlanGeneration? WorksUnder { get; init; }

    /// <summary>Seconds for one slot, smoothed; null where it was never measured.</summary>
    public double? SlotSeconds { get; init; }

    /// <summary>The newest.</summary>
    public Wire.Heartbeat? Heartbeat { get; init; }

    /// <summary>Why it is kept out of plans; null where it is not.</summary>
    public Exclusion? Out { get; init; }

    /// <summary>How often it was put out for a broken link, for the back-off.</summary>
    public int TimesOut { get; init; }

    public override string ToString() => Id;
}

/// <param name="Reason">One sentence.</param>
/// <param name="Until">Null: as long as this process lives.</param>
public sealed record Exclusion(string Reason, TimeSpan? Until);
