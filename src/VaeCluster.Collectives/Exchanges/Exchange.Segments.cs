namespace VaeCluster.Collectives;

/// <summary>What arrives, what is summed, and what is sent.</summary>
public sealed unsafe partial class Exchange
{
    /// <summary>The exchange whose work this thread is doing: it may end it from there, and then waits for the others only.</summary>
    [ThreadStatic]
    private static Exchange? working;

    private readonly long[] refusals = new long[Enum.GetValues<Refusal>().Length];

    /// <summary>Threads at work outside of the lock.</summary>
    private int busy;

    /// <summary>Work stops at the next piece.</summary>
    private volatile bool ending;
    private long bytesSent;
    private long bytesReceived;
    private long bytesTaken;

    /// <summary>Payload that was pushed to links.</summary>
    public long BytesSent => Interlocked.Read(ref bytesSent);

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
        PlanState plan;
        StepSet set;
        SegmentPlace place;
        lock (gate)
        {
            if (!TryFindLanding(header, out plan, out set, out place)) return;
            StateOf(plan, set, place) = SegmentState.Taken;
            if (ending)
            {
                set.Users--;
                return;
            }
            busy++;
        }
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
        PlanState plan;
        StepSet set;
        SegmentPlace place;
        lock (gate)
        {
            if (!TryFindLanding(header, out plan, out set, out place)) return refusal;
            StateOf(plan, set, place) = SegmentState.Taken;
            if (ending)
            {
                set.Users--;
                return refusal;
            }
            busy++;
        }
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

    /// <summary>Where a piece of a leaf lies, or of the result.</summary>
    private static float* Place(PlanState plan, StepSet set, in Piece piece, SegmentPlace place) => place.Leaf < 0
        ? set.Result!.Buckets[piece.Bucket].Pointer + piece.Start
        : plan.IsOwn(place.Leaf)
            ? set.Contributions[place.Leaf, piece.Bucket]!.Pointer + piece.Start
            : set.Staging[place.Leaf][piece.Bucket].Pointer + piece.Offset;

    /// <summary>Where an operand is read: in the peer's memory, or at its place.</summary>
    private static float* Operand(PlanState plan, StepSet set, int leaf, int index, out IPeerMemory? memory)
    {
        ref readonly var piece = ref plan.Table[index];
        memory = null;
        if (plan.IsOwn(leaf)) return Place(plan, set, piece, new(0, leaf, index));
        (var address, memory) = SourceOf(plan, set, leaf, index);
        return memory is null ? Place(plan, set, piece, new(0, leaf, index)) : (float*)address;
    }

    private static ref PeerSource SourceOf(PlanState plan, StepSet set, int leaf, int index) =>
        ref set.Sources[leaf * plan.OwnPieces.Count + index - plan.OwnPieces.First];

    /// <summary>The beginning of a step: empty chunks are announced, and sums that were finished too early published.</summary>
    private void Announce(PlanState plan, StepSet set)
    {
        using var work = new Work(this);
        for (var index = plan.OwnPieces.First; index < plan.OwnPieces.First + plan.OwnPieces.Count && !ending; index++)
        {
            var own = index - plan.OwnPieces.First;
            ref readonly var piece = ref plan.Table[index];
            bool rooted;
            lock (gate) rooted = set.Rooted[own];
            if (!rooted && piece.Count > 0) continue;
            Publish(plan, set, index);
            Finish(set, piece.Bucket, leaves: false);
        }
        lock (gate) Leave(set);
    }

    /// <summary>Sends the others their chunks of an own subtree, then adds the own chunk's part.</summary>
    private bool SendAndJoin(PlanState plan, StepSet set, int leaf, int bucket, FloatMemory values)
    {
        using var work = new Work(this);
        var contributors = plan.Contributors.Length;
        var more = contributors > 1;
        // Piece by piece and peer by peer, beginning with the next one: all links are busy, and not all with the same peer.
        for (var i = 0; more; i++)
        {
            more = false;
            for (var distance = 1; distance < contributors && !ending; distance++)
            {
                var chunk = (plan.OwnIndex + distance) % contributors;
                var (first, count) = plan.Table.Of(bucket, chunk);
                if (i >= count) continue;
                more = true;
                SendPart(plan, set, leaf, first + i, values);
            }
        }
        var (ownFirst, ownCount) = plan.Table.Of(bucket, plan.OwnIndex);
        for (var index = ownFirst; index < ownFirst + ownCount && !ending && plan.Table[index].Count > 0; index++)
        {
            JoinFrom(plan, set, leaf, index, leaves: false);
        }
        lock (gate)
        {
            Leave(set);
            return !ending;
        }
    }

    private void SendPart(PlanState plan, StepSet set, int leaf, int index, FloatMemory values)
    {
        ref readonly var piece = ref plan.Table[index];
        if (piece.Count == 0) return;
        var payload = values.Bytes(piece.Start * sizeof(float), piece.Count * sizeof(float));
        if (piece.Format == WireFormat.Bf16)
        {
            var rounded = plan.Rounded[leaf][piece.Bucket];
            Bfloat16.Round(values.Pointer + piece.Start, (ushort*)rounded.Pointer + piece.Start, piece.Count);
            payload = rounded.Bytes(piece.Start * sizeof(ushort), piece.Bytes);
        }
        var range = plan.Leaves[leaf].Range;
        Push(plan, plan.Contributors[piece.Chunk], HeaderOf(plan, set, piece, SegmentPhase.Reduce) with
        {
            FirstSlot = (uint)range.Start,
            Slots = (uint)range.Count,
        }, payload);
    }

    /// <summary>
    /// A leaf's part of an own piece is there. Computes the sums whose second operand it brings; who computes the last one
    /// publishes.
    /// </summary>
    /// <param name="plan">The plan.</param>
    /// <param name="set">The step; the caller uses it.</param>
    /// <param name="leaf">The leaf that arrived.</param>
    /// <param name="index">The piece.</param>
    /// <param name="leaves">
    /// Whether the caller has no more use for the set afterwards. It leaves it in one with the last change to its state: whoever
    /// waits for the step finds nobody at work in it.
    /// </param>
    private void JoinFrom(PlanState plan, StepSet set, int leaf, int index, bool leaves)
    {
        ref readonly var piece = ref plan.Table[index];
        var own = index - plan.OwnPieces.First;
        for (var number = set.Program.FirstJoin[leaf]; number >= 0;)
        {
            var join = set.Program.Joins[number];
            lock (gate)
            {
                if (ending || ++set.Arrivals[number * plan.OwnPieces.Count + own] < join.Operands)
                {
                    if (leaves) Leave(set);
                    return;
                }
                if (join.Destination == JoinProgram.Result) results.Of(plan, set);
            }
            var left = Operand(plan, set, join.Left, index, out var leftMemory);
            var sum = Place(plan, set, piece, new(0, join.Destination, index));
            IPeerMemory? rightMemory = null;
            if (join.Right == JoinProgram.Nowhere) new ReadOnlySpan<float>(left, piece.Count).CopyTo(new Span<float>(sum, piece.Count));
            else FloatSum.Add(left, Operand(plan, set, join.Right, index, out rightMemory), sum, piece.Count);
            if (leftMemory is { IsWithdrawn: true } || rightMemory is { IsWithdrawn: true })
            {
                // Its step was given up there: nothing of it goes any further from here.
                if (!leaves) return;
                lock (gate) Leave(set);
                return;
            }
            if (join.Destination >= 0) SourceOf(plan, set, join.Destination, index) = default;
            number = join.Parent;
        }
        lock (gate)
        {
            // Before the step has begun here, peers must not get results: they would go on to the next one.
            if (!set.Begun) set.Rooted[own] = true;
            if (ending || !set.Begun)
            {
                if (leaves) Leave(set);
                return;
            }
        }
        Publish(plan, set, index);
        Finish(set, piece.Bucket, leaves);
    }

    /// <summary>Sends a finished piece, or the sign of an empty chunk, to everyone.</summary>
    private void Publish(PlanState plan, StepSet set, int index)
    {
        ref readonly var piece = ref plan.Table[index];
        ReadOnlyMemory<byte> payload = default;
        if (piece.Count > 0)
        {
            var result = set.Result!.Buckets[piece.Bucket];
            payload = result.Bytes(piece.Start * sizeof(float), piece.Count * sizeof(float));
            if (piece.Format == WireFormat.Bf16)
            {
                var rounded = set.Rounded[piece.Bucket];
                var halves = (ushort*)rounded.Pointer + piece.Offset;
                Bfloat16.Round(result.Pointer + piece.Start, halves, piece.Count);
                Bfloat16.Widen(halves, result.Pointer + piece.Start, piece.Count);
                payload = rounded.Bytes(piece.Offset * sizeof(ushort), piece.Bytes);
            }
        }
        var header = HeaderOf(plan, set, piece, SegmentPhase.Gather);
        for (var distance = 1; distance < plan.Links.Length && !ending; distance++)
        {
            var rank = (plan.View.Rank + distance) % plan.Links.Length;
            if (!plan.LeftBehind[rank]) Push(plan, rank, header, payload);
        }
    }

    private void Push(PlanState plan, int rank, in SegmentHeader header, ReadOnlyMemory<byte> payload)
    {
        Interlocked.Add(ref bytesSent, payload.Length);
        plan.Links[rank]!.Push(header, payload);
    }

    private SegmentHeader HeaderOf(PlanState plan, StepSet set, in Piece piece, SegmentPhase phase) => new()
    {
        Run = layout.Run,
        Generation = plan.Generation,
        Held = set.Held[plan.OwnIndex]!.Value,
        Step = (ulong)set.Step,
        Bucket = (uint)piece.Bucket,
        Chunk = (uint)piece.Chunk,
        Phase = phase,
        Format = piece.Format,
        Offset = (ulong)piece.Offset,
        FirstSlot = 0,
        Slots = 0,
        Sender = (uint)plan.View.Rank,
    };

    private void Use(StepSet set)
    {
        set.Users++;
        busy++;
    }

    private void Leave(StepSet set)
    {
        set.Users--;
        busy--;
        if (ending) Monitor.PulseAll(gate);
    }

    private void Finish(StepSet set, int bucket, bool leaves)
    {
        lock (gate)
        {
            if (leaves) Leave(set);
            if (--set.BucketLeft[bucket] > 0) return;
            set.BucketsLeft--;
            if (set == running) Monitor.PulseAll(gate);
        }
    }

    /// <summary>While this thread works for an exchange; it may be in the middle of work for another one, of a link in memory.</summary>
    private readonly ref struct Work
    {
        private readonly Exchange? before;

        public Work(Exchange exchange) => (before, working) = (working, exchange);

        public void Dispose() => working = before;
    }
}
