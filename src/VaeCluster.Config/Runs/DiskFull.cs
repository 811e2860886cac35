namespace VaeCluster.Config.Runs;

/// <summary>Tells a full disk from other failures to write.</summary>
public static class DiskFull
{
    private const int NoSpace = 28; // ENOSPC
    private const int QuotaExceeded = 122; // EDQUOT

    /// <summary>.NET passes errno on as the HResult where it has no code of its own for it.</summary>
    public static bool Is(Exception e) => e is IOException && (e.HResult & 0xFFFF) is NoSpace or QuotaExceeded;
}
