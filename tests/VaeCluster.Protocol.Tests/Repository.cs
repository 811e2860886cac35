namespace VaeCluster.Protocol.Tests;

internal static class Repository
{
    public static string Root { get; } = Find();

    private static string Find()
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (File.Exists(Path.Combine(folder.FullName, "VaeCluster.sln"))) return folder.FullName;
        }
        throw new InvalidOperationException($"No folder with VaeCluster.sln above {AppContext.BaseDirectory}.");
    }
}
