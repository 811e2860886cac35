namespace VaeCluster.Data.Sources;

/// <summary>Where things go that can be made again: $XDG_CACHE_HOME/vaecluster, or ~/.cache/vaecluster.</summary>
internal static class UserCache
{
    public static string Folder(string name)
    {
        var cache = Environment.GetEnvironmentVariable("XDG_CACHE_HOME");
        if (string.IsNullOrEmpty(cache))
        {
            var home = Environment.GetFolderPath(Environment.SpecialFolder.UserProfile);
            cache = home.Length > 0 ? Path.Combine(home, ".cache") : Path.GetTempPath();
        }
        return Path.Combine(cache, "vaecluster", name);
    }
}
