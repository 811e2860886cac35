namespace VaeCluster.Collectives;

/// <summary>What one segment carries: a run of floats of a chunk. Chunks are cut alike by everyone, so only these are taken.</summary>
/// <param name="Bucket">The bucket.</param>
/// <param name="Chunk">The chunk, by its owner's index among the contributors.</param>
/// <param name="Offset">From the beginning of the chunk, in floats.</param>
/// <param name="Start">From the beginning of the bucket, in floats.</param>
/// <param name="Count">In floats. Zero for the one piece of an empty chunk, by which its owner is heard all the same.</param>
/// <param name="Format">How it travels.</param>
internal readonly record struct Piece(int Bucket, int Chunk, int Offset, int Start, int Count, WireFormat Format)
{
    public int Bytes => Count * (Format == WireFormat.Bf16 ? sizeof(ushort) : sizeof(float));
}

/// <summary>All pieces of a step, numbered by chunk, then bucket, then offset: those that a member owns are one range.</summary>
internal sealed class PieceTable
{
    private readonly Piece[] pieces;
    private readonly (int First, int Count)[,] byChunk;
    private readonly (int Body, int PerSegment)[,] cuts;
    private readonly int exactPerSegment;

    public PieceTable(ExchangeLayout layout, int contributors)
    {
        var buckets = layout.Buckets.Count;
        var format = layout.Format;
        var perSegment = layout.SegmentBytes / (format == WireFormat.Bf16 ? sizeof(ushort) : sizeof(float));
        exactPerSegment = layout.SegmentBytes / sizeof(float);
        byChunk = new (int, int)[buckets, contributors];
        cuts = new (int, int)[buckets, contributors];
        PerBucket = new int[buckets];
        OfChunk = new (int, int)[contributors];

        var all = new List<Piece>();
        for (var chunk = 0; chunk < contributors; chunk++)
        {
            var firstOfChunk = all.Count;
            for (var bucket = 0; bucket < buckets; bucket++)
            {
                var first = all.Count;
                var (start, length) = ChunkPlan.Chunk(layout.Buckets[bucket], contributors, chunk);
                var exactFrom = bucket == buckets - 1 && format != WireFormat.Fp32 ? layout.Buckets[bucket] - layout.ExactTail : int.MaxValue;
                var body = Math.Clamp(exactFrom - start, 0, length);
                for (var offset = 0; offset < body; offset += perSegment)
                {
                    all.Add(new(bucket, chunk, offset, start + offset, Math.Min(perSegment, body - offset), format));
                }
                for (var offset = body; offset < length; offset += exactPerSegment)
                {
                    all.Add(new(bucket, chunk, offset, start + offset, Math.Min(exactPerSegment, length - offset), WireFormat.Fp32));
                }
                if (length == 0) all.Add(new(bucket, chunk, 0, start, 0, format));
                cuts[bucket, chunk] = (body, perSegment);
                byChunk[bucket, chunk] = (first, all.Count - first);
                PerBucket[bucket] += all.Count - first;
            }
            OfChunk[chunk] = (firstOfChunk, all.Count - firstOfChunk);
        }
        pieces = [.. all];
    }

    public int Count => pieces.Length;

    /// <summary>How many pieces each bucket has, over all chunks.</summary>
    public int[] PerBucket { get; }

    /// <summary>The pieces of each chunk, over all buckets.</summary>
    public (int First, int Count)[] OfChunk { get; }

    public ref readonly Piece this[int index] => ref pieces[index];

    public (int First, int Count) Of(int bucket, int chunk) => byChunk[bucket, chunk];

    /// <summary>The piece that a header names; bucket and chunk exist.</summary>
    public Refusal Find(in SegmentHeader header, out int index)
    {
        var (bucket, chunk) = ((int)header.Bucket, (int)header.Chunk);
        var (first, count) = byChunk[bucket, chunk];
        var (body, perSegment) = cuts[bucket, chunk];
        var bodyPieces = (body + (long)perSegment - 1) / perSegment;
        index = 0;
        // Any offset beyond the chunk leads to a number beyond its pieces; nothing is added that could overflow.
        var number = header.Offset < (ulong)body
            ? header.Offset / (ulong)perSegment
            : (ulong)bodyPieces + (header.Offset - (ulong)body) / (ulong)exactPerSegment;
        if (number >= (ulong)count) return Refusal.WrongRange;
        index = first + (int)number;
        ref readonly var piece = ref pieces[index];
        if ((ulong)piece.Offset != header.Offset) return Refusal.WrongRange;
        return piece.Format == header.Format ? Refusal.None : Refusal.WrongFormat;
    }
}
