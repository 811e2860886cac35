namespace VaeCluster.Worker.Links.Shared;

/// <summary>
/// Wakes a process that waits for its peers: a count that goes up with each ring, and how many sleep on it. What a peer may
/// write there can wake too often, or too late by one bounded wait, and nothing else.
/// </summary>
/// <remarks>
/// Nothing is missed: who rings has published before the count goes up, and looks for sleepers after it; who goes to sleep
/// has read the count before looking for work, and says that he sleeps before looking once more.
/// </remarks>
internal readonly unsafe struct Bell(byte* page)
{
    private readonly uint* count = (uint*)page;
    private readonly uint* sleepers = (uint*)(page + 64);

    public uint Count => Volatile.Read(ref *count);

    public void Ring()
    {
        Interlocked.Increment(ref *count);
        if (Volatile.Read(ref *sleepers) != 0) Libc.Wake(count);
    }

    /// <summary>Sleeps until it is rung, unless it was since the count was read, or there is work.</summary>
    public void Sleep(uint read, Func<bool> hasWork, TimeSpan atMost)
    {
        Interlocked.Increment(ref *sleepers);
        if (!hasWork()) Libc.Wait(count, read, atMost);
        Interlocked.Decrement(ref *sleepers);
    }
}
