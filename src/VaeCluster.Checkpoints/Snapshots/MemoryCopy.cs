namespace VaeCluster.Checkpoints;

/// <summary>
/// Copies within memory by several threads, the caller's among them: one core alone does not fill the memory's bandwidth.
/// Whoever is free takes the next piece, so that a thread that the system takes away holds up one piece at the most.
/// </summary>
internal static unsafe class MemoryCopy
{
    private const int MostThreads = 4;
    private const long Piece = 1 << 20;

    /// <summary>Done when it returns.</summary>
    public static void Run(IReadOnlyList<(nint From, nint To, long Bytes)> parts)
    {
        var pieces = new List<(nint From, nint To, long Bytes)>();
        foreach (var (from, to, bytes) in parts)
        {
            for (long at = 0; at < bytes; at += Piece) pieces.Add(((nint)(from + at), (nint)(to + at), Math.Min(Piece, bytes - at)));
        }
        var next = -1;
        var helpers = new Task[Math.Max(0, Math.Min(Math.Min(MostThreads, Environment.ProcessorCount), pieces.Count) - 1)];
        for (var i = 0; i < helpers.Length; i++) helpers[i] = Task.Run(CopyNext);
        CopyNext();
        // One that has not begun yet has nothing left to do, and does that on this thread.
        Task.WaitAll(helpers);

        void CopyNext()
        {
            for (var taken = Interlocked.Increment(ref next); taken < pieces.Count; taken = Interlocked.Increment(ref next))
            {
                var (from, to, bytes) = pieces[taken];
                Buffer.MemoryCopy((void*)from, (void*)to, bytes, bytes);
            }
        }
    }
}
