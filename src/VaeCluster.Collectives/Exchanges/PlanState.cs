namespace VaeCluster.Collectives;

/// <summary>
/// A plan with what follows from it: leaves, pieces, staging. What does not depend on the step is judged here, without
/// a lock.
/// </summary>
internal sealed class PlanState
{
    private readonly ExchangeLayout layout;
    private readonly FloatPool pool;
    private readonly FloatBlock sendBlock;
    private readonly StepSet[] sets;
    private readonly int[] leafAt;
    private readonly int[] contributorOf;

    /// <summary>One for full steps and one for a short last one, which is what a run has.</summary>
    private readonly List<JoinProgram> programs = [];
    private readonly bool[] absent;

    public PlanState(ExchangeLayout layout, PlanView view, IReadOnlyList<ISegmentLink?> links, FloatPool pool)
    {
        view.Validate(layout.Slots);
        if (links.Count != view.Members.Count || links.Where((link, rank) => link is null != (rank == view.Rank)).Any())
        {
            throw new ArgumentException("There is one link to each other member, by rank.", nameof(links));
        }
        (this.layout, this.pool, View) = (layout, pool, view);
        Links = [.. links];
        LeftBehind = new bool[links.Count];
        Contributors = [.. Enumerable.Range(0, links.Count).Where(rank => !view.Members[rank].IsEmpty)];
        Spares = [.. Enumerable.Range(0, links.Count).Where(rank => view.Members[rank].IsEmpty && rank != view.Rank)];
        contributorOf = [.. Enumerable.Range(0, links.Count).Select(rank => Array.IndexOf(Contributors, rank))];
        OwnIndex = contributorOf[view.Rank];
        Buckets = layout.Buckets.Count;
        Table = new PieceTable(layout, Contributors.Length);

        Leaves = [.. Contributors.SelectMany(rank => SlotTree.Cover(layout.Slots, view.Members[rank])
            .Select(range => new Leaf(range, contributorOf[rank]))).OrderBy(leaf => leaf.Range.Start)];
        leafAt = new int[layout.Slots];
        Array.Fill(leafAt, -1);
        for (var leaf = 0; leaf < Leaves.Length; leaf++) leafAt[Leaves[leaf].Range.Start] = leaf;
        absent = new bool[Leaves.Length];

        OwnPieces = OwnIndex < 0 ? (0, 0) : Table.OfChunk[OwnIndex];
        OwnLengths = [.. layout.Buckets.Select(length => OwnIndex < 0 ? 0 : ChunkPlan.Chunk(length, Contributors.Length, OwnIndex).Length)];
        var halves = layout.Format == WireFormat.Bf16;
        OwnHalfLengths = [.. OwnLengths.Select(length => halves ? (length + 1) / 2 : 0)];
        StagedLeaves = OwnIndex < 0 ? 0 : Leaves.Count(leaf => leaf.Contributor != OwnIndex);

        // With bf16, what goes to the owners is rounded into here: by own leaf and bucket.
        var sending = halves && OwnIndex >= 0 && Contributors.Length > 1 ? Leaves.Count(leaf => leaf.Contributor == OwnIndex) : 0;
        var lengths = layout.Buckets.Select(length => (length + 1) / 2).ToArray();
        sendBlock = pool.Take(sending * lengths.Sum(Padded));
        Rounded = new FloatMemory[Leaves.Length][];
        var at = 0L;
        for (var leaf = 0; sending > 0 && leaf < Leaves.Length; leaf++)
        {
            if (!IsOwn(leaf)) continue;
            Rounded[leaf] = [.. lengths.Select(length => sendBlock.View((at += Padded(length)) - Padded(length), length))];
        }

        sets = [.. Enumerable.Range(0, OwnIndex < 0 ? 1 + layout.QueuedSteps : 2).Select(_ => new StepSet(this, pool))];
    }

    public PlanView View { get; }

    public Generation Generation => View.Generation;

    public bool IsSpare => OwnIndex < 0;

    public ISegmentLink?[] Links { get; }

    /// <summary>Spares that did not keep up, by rank.</summary>
    public bool[] LeftBehind { get; }

    /// <summary>The contributors' ranks.</summary>
    public int[] Contributors { get; }

    /// <summary>The other members that are spares, by rank.</summary>
    public int[] Spares { get; }

    /// <summary>The own index among the contributors; -1 for a spare.</summary>
    public int OwnIndex { get; }

    public int Buckets { get; }

    public Leaf[] Leaves { get; }

    public PieceTable Table { get; }

    public (int First, int Count) OwnPieces { get; }

    /// <summary>The own chunk's length in each bucket.</summary>
    public int[] OwnLengths { get; }

    public int[] OwnHalfLengths { get; }

    public long OwnFloats => OwnLengths.Sum(Padded);

    public long OwnHalfFloats => OwnHalfLengths.Sum(Padded);

    public long StagedLeaves { get; }

    public FloatMemory[][] Rounded { get; }

    /// <summary>Whole cache lines, so that each part begins on one.</summary>
    public static long Padded(int length) => ((long)length + ExchangeLayout.Unit - 1) / ExchangeLayout.Unit * ExchangeLayout.Unit;

    public bool IsOwn(int leaf) => Leaves[leaf].Contributor == OwnIndex;

    /// <summary>The leaf of exactly these slots, or -1.</summary>
    public int LeafOf(uint firstSlot, uint slots)
    {
        if (firstSlot >= (uint)leafAt.Length) return -1;
        var leaf = leafAt[firstSlot];
        return leaf >= 0 && (uint)Leaves[leaf].Range.Count == slots ? leaf : -1;
    }

    /// <summary>
    /// Everything about a header that depends neither on the step nor on the payload's length. Whatever its numbers are,
    /// nothing else happens.
    /// </summary>
    public Refusal Judge(in SegmentHeader header, out SegmentPlace place)
    {
        place = default;
        if (header.Sender >= (uint)contributorOf.Length || header.Sender == (uint)View.Rank) return Refusal.WrongSender;
        var contributor = contributorOf[header.Sender];
        if (contributor < 0) return Refusal.WrongSender;
        if (header.Bucket >= (uint)Buckets) return Refusal.WrongBucket;
        if (header.Chunk >= (uint)Contributors.Length) return Refusal.WrongChunk;
        if (header.Held < header.Generation) return Refusal.WrongHeld;

        var leaf = -1;
        switch (header.Phase)
        {
            case SegmentPhase.Reduce:
                if (header.Chunk != (uint)OwnIndex) return Refusal.WrongChunk;
                leaf = LeafOf(header.FirstSlot, header.Slots);
                if (leaf < 0) return Refusal.WrongNode;
                if (Leaves[leaf].Contributor != contributor) return Refusal.WrongSender;
                if (OwnLengths[(int)header.Bucket] == 0) return Refusal.WrongRange;
                break;
            case SegmentPhase.Gather:
                if (header.Chunk != (uint)contributor) return Refusal.WrongSender;
                if (header.FirstSlot != 0 || header.Slots != 0) return Refusal.WrongNode;
                break;
            default:
                return Refusal.WrongPhase;
        }
        var refusal = Table.Find(header, out var piece);
        place = new(contributor, leaf, piece);
        return refusal;
    }

    /// <summary>The set of a step, made ready for it if need be; none when another step that is not over has it.</summary>
    public StepSet? SetOf(long step, long position)
    {
        ref var set = ref sets[step % sets.Length];
        if (set.Step == step) return set;
        if (set.Step >= position) return null;
        var program = ProgramOf(step);
        if (program is null) return null;
        // Somebody is still at work in the old one, or never said that he is done: that one is his from now on.
        if (set.Users != 0) set = new StepSet(this, pool);
        set.Arm(step, program);
        return set;
    }

    /// <summary>Whether a result of a step can exist before each other member has begun it.</summary>
    public bool CanLag(JoinProgram program) => Spares.Length > 0 || !program.EachHasSamples;

    public StepSet? Existing(long step)
    {
        var set = sets[step % sets.Length];
        return set.Step == step ? set : null;
    }

    /// <summary>For a plan that nobody sends under any more.</summary>
    public void Retire()
    {
        var quiet = true;
        foreach (var set in sets)
        {
            quiet &= set.Users == 0;
            set.Retire(pool);
        }
        if (quiet) pool.Return(sendBlock);
    }

    private JoinProgram? ProgramOf(long step)
    {
        var any = false;
        for (var leaf = 0; leaf < Leaves.Length; leaf++)
        {
            var range = Leaves[leaf].Range;
            absent[leaf] = true;
            for (var slot = range.Start; absent[leaf] && slot < range.End; slot++) absent[leaf] = View.IsEmpty(step, slot);
            any |= !absent[leaf];
        }
        if (!any) return null;
        foreach (var known in programs)
        {
            if (known.Fits(absent)) return known;
        }
        var program = new JoinProgram(layout.Slots, [.. Leaves.Select(leaf => leaf.Range)], IsOwn, [.. absent])
        {
            EachHasSamples = Leaves.Where((_, leaf) => !absent[leaf]).Select(leaf => leaf.Contributor).Distinct().Count() == Contributors.Length,
        };
        if (programs.Count == 8) programs.RemoveAt(1);
        programs.Add(program);
        return program;
    }
}

/// <summary>A subtree that one contributor sums by itself.</summary>
internal readonly record struct Leaf(SlotRange Range, int Contributor);

/// <summary>What a well-formed header names.</summary>
/// <param name="Contributor">The sender's index among the contributors.</param>
/// <param name="Leaf">In the reduce phase; else -1.</param>
/// <param name="Piece">Its number in the table.</param>
internal readonly record struct SegmentPlace(int Contributor, int Leaf, int Piece);
