namespace VaeCluster.Collectives;

/// <summary>Why a segment was not taken.</summary>
public enum Refusal
{
    /// <summary>It was taken.</summary>
    None = 0,
    WrongRun,

    /// <summary>Of a plan that this member has left.</summary>
    StaleGeneration,

    /// <summary>Of a plan that this member has not heard of: see <see cref="Exchange.WaitForPlanAsync"/>.</summary>
    UnknownGeneration,

    /// <summary>Further ahead than a sender can be.</summary>
    WrongStep,

    /// <summary>No such member, or one that sends nothing, or not the one whose part it is.</summary>
    WrongSender,
    WrongBucket,
    WrongChunk,
    WrongPhase,
    WrongFormat,

    /// <summary>No subtree that the sender computes, or one without samples in this step.</summary>
    WrongNode,

    /// <summary>Offset and length are not those of a segment of the chunk.</summary>
    WrongRange,

    /// <summary>This segment has been taken before.</summary>
    Duplicate,

    /// <summary>A generation older than the segment's own, or another one than in the sender's earlier segments of the step.</summary>
    WrongHeld,

    /// <summary>Skipped: the step is over here, or was given up.</summary>
    Late,

    /// <summary>Skipped: a spare has as many steps queued as it may; it has to copy the state.</summary>
    QueueFull,
}

/// <summary>Where a segment's payload goes: the answer of <see cref="Exchange.Resolve"/>.</summary>
public readonly struct SegmentLanding
{
    private SegmentLanding(Memory<byte> destination, Refusal refusal)
    {
        Destination = destination;
        Refusal = refusal;
    }

    /// <summary>As long as the payload: empty for an empty one.</summary>
    public Memory<byte> Destination { get; }

    public Refusal Refusal { get; }

    /// <summary>Copy the payload, then call <see cref="Exchange.Received"/>.</summary>
    public bool Lands => Refusal == Refusal.None;

    /// <summary>An honest peer may send this: read over the payload, and go on. Nothing is to be called.</summary>
    public bool Skips => Refusal is Refusal.Late or Refusal.QueueFull;

    /// <summary>No honest peer of this plan sends this: end the stream with the reason. Nothing is to be called.</summary>
    public bool Refused => !Lands && !Skips;

    internal static SegmentLanding Into(Memory<byte> destination) => new(destination, Refusal.None);

    internal static SegmentLanding Not(Refusal refusal) => new(default, refusal);
}
