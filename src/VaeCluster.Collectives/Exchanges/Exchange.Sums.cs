namespace VaeCluster.Collectives;

/// <summary>What is summed, and what is sent.</summary>
public sealed unsafe partial class Exchange
{
    /// <summary>The exchange whose work this thread is doing: it may end it from there, and then waits for the others only.</summary>
    [ThreadStatic]
    private static Exchange? working;

    /// <summary>Threads at work outside of the lock.</summary>
    private int busy;

    /// <summary>Work stops at the next piece.</summary>
    private volatile bool ending;
    private long bytesSent;

    /// <summary>Payload that was pushed to links.</summary>
    public long BytesSent => Interlocked.Read(ref bytesSent);

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
