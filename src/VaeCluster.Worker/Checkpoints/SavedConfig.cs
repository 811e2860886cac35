using VaeCluster.Checkpoints;
using VaeCluster.Config;

namespace VaeCluster.Worker.Checkpoints;

/// <summary>Whether a checkpoint is one of this run's: what may differ is named, what must not is refused.</summary>
internal static class SavedConfig
{
    /// <returns>The settings that changed and may.</returns>
    /// <exception cref="UserErrorException">It was saved from other data, or under a configuration that gives other weights.</exception>
    public static IReadOnlyList<string> Changes(LoadedCheckpoint saved, string location, RunConfig config, string identity, string manifestId)
    {
        var differences = Differences(saved, config);
        var refused = differences?.Where(difference => !difference.MayChange).Select(difference => $"  {difference}").ToList()
            ?? (saved.Metadata.ConfigIdentity == identity ? [] : ["  its configuration is not one that this program can read"]);
        if (refused.Count > 0)
        {
            throw new UserErrorException([
                $"{location}/{saved.Name} was saved under another configuration. Take these back, or begin a new run:", .. refused,
            ]);
        }
        if (saved.Metadata.ManifestId != manifestId)
        {
            throw new UserErrorException($"{location}/{saved.Name} was saved by a run on other data (manifest {Start(saved.Metadata.ManifestId)}, "
                + $"now {Start(manifestId)}): {config.Data.Source} has changed. Put the data back as it was, or begin a new run.");
        }
        return differences?.Select(difference => difference.ToString()).ToList() ?? [];
    }

    private static string Start(string id) => id.Length > 12 ? id[..12] : id;

    // Read with the defaults of this program, so that a setting which is new since then is none that has changed.
    private static IReadOnlyList<ConfigDifference>? Differences(LoadedCheckpoint saved, RunConfig config)
    {
        try
        {
            return RunConfig.Difference(new ConfigSources { Text = saved.Metadata.ConfigYaml, Name = saved.Name }.Load(), config);
        }
        catch (UserErrorException)
        {
            return null;
        }
    }
}
