namespace VaeCluster.Collectives;

/// <summary>
/// Memory that other members of this host read in place. What has no room in it lies in memory of this process alone, and
/// travels as it would without an arena. Any thread may call.
/// </summary>
public interface IFloatArena
{
    /// <summary>Zeroed and aligned to 64 bytes at least.</summary>
    /// <returns>The address; 0 where there is no room.</returns>
    nint TryAllocate(long bytes);

    /// <summary>Gives back what <see cref="TryAllocate"/> has returned, with the same number of bytes.</summary>
    void Free(nint address, long bytes);
}
