namespace VaeCluster.Collectives;

/// <summary>What arrives: where it goes, and who takes it up.</summary>
public sealed unsafe partial class Exchange
{
    private readonly long[] refusals = new long[Enum.GetValues<Refusal>().Length];
    private long bytesReceived;
    private long bytesTaken;

    /// <summary>Payload that was given a place.</summary>
    public long BytesReceived => Interlocked.Read(ref bytesReceived);

    /// <summary>Of those, what was read in a peer's memory.</summary>
    public long BytesTaken => Interlocked.Read(ref bytesTaken);

    /// <summary>How many segments were not taken, by reason, since the beginning.</summary>
    public long Refusals(Refusal reason) => Interlocked.Read(ref refusals[(int)reason]);

    /// <summary>
    /// Where a segment's payload goes. When it lands, exactly one of <see cref="Received"/> and <see cref="Abandoned"/> follows
    /// with the same header. Does not block.
    /// </summary>
    /// <param name="header">As the peer sent it. A link that knows its peer's rank compares it with Sender beforehand.</param>
    /// <param name="payloadBytes">The payload's length.</param>
    public SegmentLanding Resolve(in SegmentHeader header, int payloadBytes)
    {
        var refusal = Admit(header, payloadBytes, out var destination);
        if (refusal == Refusal.None)
        {
            Interlocked.Add(ref bytesReceived, payloadBytes);
            return SegmentLanding.Into(destination);
        }
        Interlocked.Increment(ref refusals[(int)refusal]);
        return SegmentLanding.Not(refusal);
    }

    /// <summary>The payload is at its place. Sums run on this thread, and what they finish is pushed from it.</summary>
    public void Received(in SegmentHeader header)
    {
        if (!TryTakeUp(header, out var plan, out var set, out var place)) return;
        using var work = new Work(this);
        ref readonly var piece = ref plan.Table[place.Piece];
        var at = Place(plan, set, piece, place);
        // bf16 landed in the upper half of its place.
        if (piece.Format == WireFormat.Bf16) Bfloat16.Widen((ushort*)at + piece.Count, at, piece.Count);
        if (place.Leaf >= 0) JoinFrom(plan, set, place.Leaf, place.Piece, leaves: true);
        else Finish(set, piece.Bucket, leaves: true);
    }

    /// <summary>The payload will not come: its stream broke.</summary>
    public void Abandoned(in SegmentHeader header)
    {
        lock (gate)
        {
            // It stays marked as landing: half of it may be there, and the peer is lost anyhow.
            if (TryFindLanding(header, out var plan, out var set, out var place))
            {
                StateOf(plan, set, place) = SegmentState.Taken;
                set.Users--;
            }
        }
    }

    /// <summary>
    /// A segment whose payload is read where the peer has it, now or, when it is an operand of a sum, once the other one is
    /// there. Sums run on this thread, and what they finish is pushed from it. What the peer withdraws meanwhile is not used,
    /// and its step does not complete.
    /// </summary>
    /// <param name="header">As the peer sent it. A link that knows its peer's rank compares it with Sender beforehand.</param>
    /// <param name="payload">Where it begins, aligned to an element.</param>
    /// <param name="payloadBytes">Its length: all of it is mapped.</param>
    /// <param name="memory">What it lies in.</param>
    /// <returns>Why it was not taken: nothing of it was read then.</returns>
    public Refusal Take(in SegmentHeader header, nint payload, int payloadBytes, IPeerMemory memory)
    {
        ArgumentNullException.ThrowIfNull(memory);
        var refusal = Admit(header, payloadBytes, out _);
        if (refusal != Refusal.None)
        {
            Interlocked.Increment(ref refusals[(int)refusal]);
            return refusal;
        }
        Interlocked.Add(ref bytesTaken, payloadBytes);
        Interlocked.Add(ref bytesReceived, payloadBytes);
        if (!TryTakeUp(header, out var plan, out var set, out var place)) return refusal;
        using var work = new Work(this);
        ref readonly var piece = ref plan.Table[place.Piece];
        if (piece.Format == WireFormat.Fp32 && place.Leaf >= 0)
        {
            // Seen by whoever joins it: he has had the lock after us.
            SourceOf(plan, set, place.Leaf, place.Piece) = new(payload, memory);
            JoinFrom(plan, set, place.Leaf, place.Piece, leaves: true);
            return refusal;
        }
        var at = Place(plan, set, piece, place);
        if (piece.Format == WireFormat.Bf16) Bfloat16.Widen((ushort*)payload, at, piece.Count);
        else new ReadOnlySpan<float>((float*)payload, piece.Count).CopyTo(new Span<float>(at, piece.Count));
        if (memory.IsWithdrawn)
        {
            lock (gate) Leave(set);
        }
        else if (place.Leaf >= 0) JoinFrom(plan, set, place.Leaf, place.Piece, leaves: true);
        else Finish(set, piece.Bucket, leaves: true);
        return refusal;
    }

    private Refusal Admit(in SegmentHeader header, int payloadBytes, out Memory<byte> destination)
    {
        destination = default;
        if (header.Run != layout.Run) return Refusal.WrongRun;
        lock (gate)
        {
            if (!plans.TryGetValue(header.Generation, out var plan))
            {
                return header.Generation > highest ? Refusal.UnknownGeneration : Refusal.StaleGeneration;
            }
            var refusal = plan.Judge(header, out var place);
            if (refusal == Refusal.None && payloadBytes != plan.Table[place.Piece].Bytes) refusal = Refusal.WrongRange;
            if (refusal != Refusal.None) return refusal;
            if (ended || ending) return Refusal.Late;

            // To a contributor, another one is a step ahead at most; to a spare, as many as it queues. A change of roles counts
            // as both: one that is to be a spare still has its last step as a contributor to do, while the others go on.
            if (position == Unknown && header.Step <= long.MaxValue) position = (long)header.Step;
            if (header.Step < (ulong)position) return Refusal.Late;
            var queues = current!.IsSpare || plan.IsSpare;
            if (header.Step - (ulong)position > (ulong)(queues ? layout.QueuedSteps : 1))
            {
                if (!queues || header.Step > long.MaxValue) return Refusal.WrongStep;
                missed = (Math.Min(missed.From, (long)header.Step), Math.Max(missed.To, (long)header.Step));
                return Refusal.QueueFull;
            }
            if (plan != current && running is not null && header.Step == (ulong)position) return Refusal.WrongStep;

            var set = plan.SetOf((long)header.Step, position);
            if (set is null) return Refusal.WrongStep;
            if (place.Leaf >= 0 && set.Program.FirstJoin[place.Leaf] < 0) return Refusal.WrongNode;
            ref var state = ref StateOf(plan, set, place);
            if (state != SegmentState.Missing) return Refusal.Duplicate;
            if (!TryHear(set, place.Contributor, header.Held)) return Refusal.WrongHeld;

            state = SegmentState.Landing;
            set.Users++;
            destination = DestinationOf(plan, set, place);
            return Refusal.None;
        }
    }

    private Memory<byte> DestinationOf(PlanState plan, StepSet set, SegmentPlace place)
    {
        ref readonly var piece = ref plan.Table[place.Piece];
        var (memory, start) = place.Leaf >= 0
            ? (set.Staging[place.Leaf][piece.Bucket], piece.Offset)
            : (results.Of(plan, set).Buckets[piece.Bucket], piece.Start);
        return memory.Bytes(start * sizeof(float) + piece.Count * sizeof(float) - piece.Bytes, piece.Bytes);
    }

    /// <summary>A segment that has landed is at work from now on; false when it is no longer wanted.</summary>
    private bool TryTakeUp(in SegmentHeader header, out PlanState plan, out StepSet set, out SegmentPlace place)
    {
        lock (gate)
        {
            if (!TryFindLanding(header, out plan, out set, out place)) return false;
            StateOf(plan, set, place) = SegmentState.Taken;
            if (ending)
            {
                set.Users--;
                return false;
            }
            busy++;
            return true;
        }
    }

    private bool TryFindLanding(in SegmentHeader header, out PlanState plan, out StepSet set, out SegmentPlace place)
    {
        set = null!;
        place = default;
        if (!plans.TryGetValue(header.Generation, out plan!) || header.Step > long.MaxValue) return false;
        if (plan.Judge(header, out place) != Refusal.None || plan.Existing((long)header.Step) is not { } existing) return false;
        set = existing;
        return StateOf(plan, set, place) == SegmentState.Landing;
    }

    private static ref SegmentState StateOf(PlanState plan, StepSet set, SegmentPlace place)
    {
        if (place.Leaf < 0) return ref set.GatherStates[place.Piece];
        return ref set.SegmentStates[place.Leaf * plan.OwnPieces.Count + place.Piece - plan.OwnPieces.First];
    }

    /// <summary>What a contributor held is what its first segment of the step said; another word later is a lie.</summary>
    private static bool TryHear(StepSet set, int contributor, Generation held)
    {
        set.Held[contributor] ??= held;
        return set.Held[contributor] == held;
    }
}
