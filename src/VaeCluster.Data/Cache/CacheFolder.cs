namespace VaeCluster.Data.Cache;

/// <summary>
/// The folder of all caches of a machine: one folder per (manifest, transform), each with a lock that its users share.
/// Those that nobody uses make room for a new one, the one that was used longest ago first.
/// </summary>
internal static class CacheFolder
{
    private const string LockFile = "lock";
    public const string IndexFile = "index";
    public const string PixelFile = "pixels";

    /// <summary>Joins the users of a cache; disposing what is returned leaves them.</summary>
    public static IDisposable Join(string folder)
    {
        Directory.CreateDirectory(folder);
        var path = Path.Combine(folder, LockFile);
        using (new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.ReadWrite)) { }
        // A shared lock (flock), which ends with the process, however that ends.
        var users = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read);
        File.SetLastWriteTimeUtc(path, DateTime.UtcNow);
        return users;
    }

    /// <summary>How many bytes a cache may take when the folder holds no more than its limit; old ones go for that.</summary>
    public static long MakeRoom(string folder, string mine, long wanted, long limit)
    {
        var others = new List<(string Folder, long Size, DateTime Used)>();
        foreach (var other in Directory.EnumerateDirectories(folder))
        {
            var index = Path.Combine(other, IndexFile);
            if (other == mine || !File.Exists(index)) continue;
            others.Add((other, CacheIndex.AllocatedIn(index) + new FileInfo(index).Length, File.GetLastWriteTimeUtc(Path.Combine(other, LockFile))));
        }
        var room = limit - others.Sum(other => other.Size);
        foreach (var other in others.OrderBy(other => other.Used))
        {
            if (room >= Math.Min(wanted, limit)) break;
            if (TryRemove(other.Folder)) room += other.Size;
        }
        return Math.Clamp(room, 0, wanted);
    }

    private static bool TryRemove(string folder)
    {
        try
        {
            // Fails while somebody holds the shared lock.
            using var exclusive = new FileStream(Path.Combine(folder, LockFile), FileMode.Open, FileAccess.ReadWrite, FileShare.None);
            Directory.Delete(folder, recursive: true);
            return true;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }
}
